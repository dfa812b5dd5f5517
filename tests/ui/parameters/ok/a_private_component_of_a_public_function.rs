use std::sync::Arc;

#[hostkit::singleton]
struct Clock {}

#[hostkit::scoped]
pub struct Orders {
    clock: Arc<Clock>,
}

#[hostkit::scoped]
impl Session {
    fn new(clock: &Clock) -> Self {
        let _ = clock;
        Self
    }
}

pub struct Session;

#[allow(private_interfaces)]
#[hostkit::periodic(every = "1h")]
pub async fn report(clock: &Clock, orders: &Orders) {
    let _ = (clock, &orders.clock);
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<report>();
}
