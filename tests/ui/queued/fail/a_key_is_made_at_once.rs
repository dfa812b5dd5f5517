#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    customer: u64,
}

#[hostkit::queued(durable, per_key = 1, key = customer)]
async fn process(_order: Order) {}

async fn customer(order: &Order) -> String {
    order.customer.to_string()
}

fn main() {}
