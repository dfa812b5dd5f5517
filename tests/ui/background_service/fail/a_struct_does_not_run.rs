#[hostkit::background_service]
struct Intake;

fn main() {}
