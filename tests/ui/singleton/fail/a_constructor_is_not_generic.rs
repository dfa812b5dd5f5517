struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new<T>() -> Self {
        Self
    }
}

fn main() {}
