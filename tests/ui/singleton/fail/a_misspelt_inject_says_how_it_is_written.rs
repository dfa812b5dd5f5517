#[hostkit::singleton]
struct Orders {
    #[inject(defualt)]
    limit: usize,
}

fn main() {}
