#[hostkit::background_service]
async unsafe fn intake() {}

fn main() {}
