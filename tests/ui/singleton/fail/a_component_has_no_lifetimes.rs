#[hostkit::singleton]
struct Orders<'a> {
    #[inject(default = "")]
    name: &'a str,
}

fn main() {}
