use hostkit::CancellationToken;

#[hostkit::queued]
async fn process(stop: CancellationToken) {
    drop(stop);
}

fn main() {}
