struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new() -> Option<Self> {
        Some(Self)
    }
}

fn main() {}
