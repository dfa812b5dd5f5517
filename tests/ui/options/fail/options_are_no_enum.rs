#[hostkit::options("database")]
#[derive(serde::Deserialize)]
enum DatabaseOptions {
    Url(String),
}

fn main() {}
