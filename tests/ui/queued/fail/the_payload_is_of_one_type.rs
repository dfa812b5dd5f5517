#[hostkit::queued]
async fn process(order: impl Send) {
    drop(order);
}

fn main() {}
