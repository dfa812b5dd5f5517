#[hostkit::options("database", validate = problems)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn problems(options: &DatabaseOptions) -> bool {
    options.url.is_empty()
}

fn main() {}
