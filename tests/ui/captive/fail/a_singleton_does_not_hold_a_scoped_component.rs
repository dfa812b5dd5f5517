use std::sync::Arc;

#[hostkit::scoped]
struct Session {}

#[hostkit::singleton]
struct Orders {
    session: Arc<Session>,
}

fn main() {
    let _ = |orders: &Orders| drop(Arc::clone(&orders.session));
}
