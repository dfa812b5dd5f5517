#[hostkit::queued]
async fn process(order: &str) {
    let _ = order;
}

fn main() {}
