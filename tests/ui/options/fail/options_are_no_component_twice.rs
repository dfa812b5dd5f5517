#[hostkit::options("database")]
#[hostkit::singleton]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
