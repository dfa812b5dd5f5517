use hostkit::Queue;

#[hostkit::queued]
async fn process(_order: i64) {}

#[hostkit::background_service]
async fn intake(orders: Queue<process>) {
    let _ = orders.enqueue("one").await;
}

fn main() {}
