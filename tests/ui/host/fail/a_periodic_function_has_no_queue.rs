#[hostkit::periodic(every = "1h")]
async fn cleanup() {}

fn test(host: &hostkit::RunningHost) {
    let _ = host.queue::<cleanup>();
}

fn main() {
    let _ = test;
}
