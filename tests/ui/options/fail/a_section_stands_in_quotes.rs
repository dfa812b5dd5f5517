#[hostkit::options(database)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
