struct Orders;

#[hostkit::singleton]
impl Default for Orders {
    fn default() -> Self {
        Self
    }
}

fn main() {}
