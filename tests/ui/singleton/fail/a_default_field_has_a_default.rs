struct Limit;

#[hostkit::singleton]
struct Orders {
    #[inject(default)]
    limit: Limit,
}

fn main() {}
