#[derive(serde::Serialize, serde::Deserialize)]
struct Order<'a> {
    customer: &'a str,
}

#[hostkit::queued(durable)]
async fn process(order: Order<'static>) {
    let _ = order.customer;
}

fn main() {}
