#[hostkit::periodic(every = "1h")]
enum Cleanup {}

fn main() {}
