#[hostkit::options("database")]
#[derive(serde::Deserialize)]
struct DatabaseOptions(String);

fn main() {}
