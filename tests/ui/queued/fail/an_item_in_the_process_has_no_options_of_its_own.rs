// 2 errors: of the call, and of the future that is dropped
use hostkit::{Enqueue, Queue};

#[hostkit::queued]
async fn process(_order: i64) {}

fn test(queue: &Queue<process>) {
    drop(queue.enqueue_with(1, Enqueue::new()));
}

fn main() {
    let _ = test;
}
