#[hostkit::program(crate = "hostkit")]
async fn main() {}

#[hostkit::background_service]
async fn work() {}
