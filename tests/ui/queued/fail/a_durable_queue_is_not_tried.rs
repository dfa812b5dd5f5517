use hostkit::{Queue};

#[hostkit::queued(durable)]
async fn process(_order: i64) {}

fn test(queue: &Queue<process>) {
    let _ = queue.try_enqueue(1);
}

fn main() {
    let _ = test;
}
