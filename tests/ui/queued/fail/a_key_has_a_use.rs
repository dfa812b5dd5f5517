#[hostkit::queued(durable, key = customer)]
async fn process(_order: i64) {}

fn customer(order: &i64) -> String {
    order.to_string()
}

fn main() {}
