#[hostkit::background_service]
#[hostkit::periodic(every = "1h")]
async fn intake() {}

fn main() {}
