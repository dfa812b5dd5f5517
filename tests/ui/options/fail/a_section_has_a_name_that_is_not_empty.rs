#[hostkit::options("")]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
