#[hostkit::singleton]
fn greeting() -> ! {
    std::process::abort()
}

fn main() {}
