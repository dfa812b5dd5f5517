#[hostkit::program]
struct Main;

fn main() {}
