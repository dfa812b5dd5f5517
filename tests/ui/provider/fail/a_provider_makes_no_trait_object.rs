// 2 errors: one is of the function itself.
#[hostkit::singleton]
fn greeting() -> dyn Send {
    String::new()
}

fn main() {}
