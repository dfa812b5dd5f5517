// 2 errors: each of two functions has a mistake.
use hostkit::Queue;

#[hostkit::queued(capacity = 0)]
async fn process(_order: i64) {}

#[hostkit::background_service(after = [migrate])]
async fn intake(orders: Queue<process>) {
    let _ = orders;
    process(1).await;
    migrate().await;
}

#[hostkit::on_start(name = "")]
async fn migrate() {}

fn main() {}
