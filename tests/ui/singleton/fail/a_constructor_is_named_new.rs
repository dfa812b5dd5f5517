struct Orders;

#[hostkit::singleton]
impl Orders {
    fn create() -> Self {
        Self
    }
}

fn main() {}
