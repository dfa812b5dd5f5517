#[hostkit::singleton]
struct Orders {
    limit: usize,
}

fn main() {}
