#[derive(serde::Serialize, serde::Deserialize)]
struct Order {
    customer: u64,
}

#[hostkit::queued(durable, per_key = 1, key = customer)]
async fn process(_order: Order) {}

fn customer(id: &u64) -> String {
    id.to_string()
}

fn main() {}
