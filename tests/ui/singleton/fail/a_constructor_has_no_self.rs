struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new(&self) -> Self {
        Self
    }
}

fn main() {}
