struct Clock;
struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new(clock: &Clock) -> Self {
        let _ = clock;
        Self
    }
}

fn main() {}
