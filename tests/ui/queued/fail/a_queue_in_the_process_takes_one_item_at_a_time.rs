// 2 errors: of the call, and of the future that is dropped
use hostkit::{Queue};

#[hostkit::queued]
async fn process(_order: i64) {}

fn test(queue: &Queue<process>) {
    drop(queue.enqueue_all([1, 2]));
}

fn main() {
    let _ = test;
}
