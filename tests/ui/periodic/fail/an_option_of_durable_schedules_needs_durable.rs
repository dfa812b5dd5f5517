#[hostkit::periodic(every = "1h", attempts = 3)]
async fn cleanup() {}

fn main() {}
