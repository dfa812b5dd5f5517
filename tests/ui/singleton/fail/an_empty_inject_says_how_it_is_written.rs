#[hostkit::singleton]
struct Orders {
    #[inject]
    limit: usize,
}

fn main() {}
