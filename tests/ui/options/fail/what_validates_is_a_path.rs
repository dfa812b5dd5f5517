#[hostkit::options("database", validate = "problems")]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
