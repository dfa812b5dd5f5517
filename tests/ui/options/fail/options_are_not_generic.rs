#[hostkit::options("database")]
#[derive(serde::Deserialize)]
struct DatabaseOptions<T> {
    url: T,
}

fn main() {}
