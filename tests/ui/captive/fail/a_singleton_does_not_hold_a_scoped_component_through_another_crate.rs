use std::sync::Arc;

use ui_support::Report;

#[hostkit::singleton]
struct Orders {
    report: Arc<Report>,
}

fn main() {
    let _ = |orders: &Orders| drop(Arc::clone(&orders.report));
}
