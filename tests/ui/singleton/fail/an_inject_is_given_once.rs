#[hostkit::singleton]
struct Orders {
    #[inject(default)]
    #[inject(default = 3)]
    limit: usize,
}

fn main() {}
