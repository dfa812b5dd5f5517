struct Orders;

#[hostkit::singleton]
impl Orders {
    unsafe fn new() -> Self {
        Self
    }
}

fn main() {}
