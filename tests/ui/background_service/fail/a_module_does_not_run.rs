#[hostkit::background_service]
mod intake {}

fn main() {}
