struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new() -> String {
        let _ = Self;
        String::new()
    }
}

fn main() {}
