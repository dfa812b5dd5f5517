use ui_support::Session;

struct Orders;

#[hostkit::singleton]
impl Orders {
    fn new(session: &Session) -> Self {
        let _ = session;
        Self
    }
}

fn main() {}
