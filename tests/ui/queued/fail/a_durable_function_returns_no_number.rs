#[hostkit::queued(durable)]
async fn process(_order: i64) -> u8 {
    1
}

fn main() {}
