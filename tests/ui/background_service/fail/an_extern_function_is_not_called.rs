#[hostkit::background_service(blocking = true)]
extern "C" fn intake() {}

fn main() {}
