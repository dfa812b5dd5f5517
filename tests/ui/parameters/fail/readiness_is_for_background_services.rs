use hostkit::Ready;

#[hostkit::queued]
async fn process(_order: i64, ready: Ready) {
    ready.notify();
}

fn main() {}
