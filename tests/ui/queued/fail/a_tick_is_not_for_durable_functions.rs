#[hostkit::queued(durable)]
async fn process(_order: i64, tick: hostkit::Tick) {
    let _ = tick;
}

fn main() {}
