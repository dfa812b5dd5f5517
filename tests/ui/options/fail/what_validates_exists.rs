#[hostkit::options("database", validate = check_database)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn main() {}
