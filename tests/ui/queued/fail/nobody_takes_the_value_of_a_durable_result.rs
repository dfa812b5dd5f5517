#[hostkit::queued(durable)]
async fn process(_order: i64) -> Result<u8, std::io::Error> {
    Ok(1)
}

fn main() {}
