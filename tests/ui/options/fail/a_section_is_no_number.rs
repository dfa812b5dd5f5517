#[hostkit::options(3)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
