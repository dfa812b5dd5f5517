#[hostkit::singleton]
fn greeting() -> &'static str {
    "hello"
}

fn main() {}
