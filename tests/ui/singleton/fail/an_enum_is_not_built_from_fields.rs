#[hostkit::singleton]
enum Orders {
    None,
}

fn main() {}
