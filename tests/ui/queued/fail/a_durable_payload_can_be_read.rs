#[derive(serde::Serialize)]
struct Order {
    customer: u64,
}

#[hostkit::queued(durable)]
async fn process(order: Order) {
    let _ = order.customer;
}

fn main() {}
