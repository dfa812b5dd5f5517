#[hostkit::periodic(every = "0s")]
async fn cleanup() {}

fn main() {}
