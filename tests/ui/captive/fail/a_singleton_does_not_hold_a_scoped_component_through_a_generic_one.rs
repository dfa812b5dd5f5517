use std::sync::Arc;

use ui_support::{Passing, Session};

#[hostkit::singleton]
struct Orders {
    session: Arc<Passing<Session>>,
}

fn main() {
    let _ = |orders: &Orders| drop(Arc::clone(&orders.session));
}
