#[hostkit::singleton]
struct Orders {
    #[inject(default = "ten")]
    limit: usize,
}

fn main() {}
