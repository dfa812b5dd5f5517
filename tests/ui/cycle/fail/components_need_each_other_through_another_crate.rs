use std::sync::Arc;

use ui_support::Passing;

#[hostkit::singleton]
struct Orders {
    orders: Arc<Passing<Orders>>,
}

fn main() {
    let _ = |orders: &Orders| drop(Arc::clone(&orders.orders));
}
