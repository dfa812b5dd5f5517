struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new() {}
}

fn main() {}
