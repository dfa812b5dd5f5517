#[hostkit::options("database")]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    size: std::cell::Cell<u32>,
}

fn main() {}
