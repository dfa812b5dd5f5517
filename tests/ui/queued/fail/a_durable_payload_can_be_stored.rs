struct Order;

#[hostkit::queued(durable)]
async fn process(_order: Order) {}

fn main() {}
