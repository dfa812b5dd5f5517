// 2 errors: the parser of the compiler says it as well.
#[hostkit::background_service]
async fn intake(clock) {}

fn main() {}
