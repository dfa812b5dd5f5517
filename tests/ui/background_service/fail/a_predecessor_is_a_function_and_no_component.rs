#[hostkit::background_service(after = [Clock])]
async fn intake() {}

#[hostkit::singleton]
struct Clock {}

fn main() {}
