#[hostkit::singleton]
fn greeting() -> impl Send {
    String::new()
}

fn main() {}
