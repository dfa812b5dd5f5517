#[hostkit::singleton]
struct Orders {}

#[hostkit::singleton]
impl Orders {
    fn new() -> Self {
        Self {}
    }
}

fn main() {}
