#[hostkit::background_service(blocking = true)]
const fn intake() {}

fn main() {}
