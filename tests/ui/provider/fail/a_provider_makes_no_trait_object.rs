#[hostkit::singleton]
fn greeting() -> dyn Send {
    String::new()
}

fn main() {}
