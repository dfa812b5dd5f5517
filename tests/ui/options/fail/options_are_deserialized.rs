#[hostkit::options("database")]
struct DatabaseOptions {
    url: String,
}

fn main() {}
