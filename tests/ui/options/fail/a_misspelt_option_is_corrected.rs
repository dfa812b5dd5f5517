#[hostkit::options("database", valdiate = problems)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
