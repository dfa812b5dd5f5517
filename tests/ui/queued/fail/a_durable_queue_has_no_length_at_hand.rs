use hostkit::{Queue};

#[hostkit::queued(durable)]
async fn process(_order: i64) {}

fn test(queue: &Queue<process>) -> usize {
    queue.len()
}

fn main() {
    let _ = test;
}
