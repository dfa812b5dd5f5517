struct Summary;

#[hostkit::queued(durable)]
async fn process(_order: i64) -> Summary {
    Summary
}

fn main() {}
