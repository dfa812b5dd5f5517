#[hostkit::options("database", validate = problems)]
#[derive(serde::Deserialize)]
struct DatabaseOptions {
    url: String,
}

fn problems(url: &str) -> Vec<String> {
    vec![url.to_owned()]
}

fn main() {}
