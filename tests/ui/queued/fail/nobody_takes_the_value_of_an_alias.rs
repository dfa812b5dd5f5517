type Processed = Result<u64, std::io::Error>;

#[hostkit::queued(durable)]
async fn process(_order: i64) -> Processed {
    Ok(1)
}

fn main() {}
