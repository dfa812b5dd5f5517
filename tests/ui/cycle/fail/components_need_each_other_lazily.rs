use std::sync::Arc;

use hostkit::Lazy;

#[hostkit::singleton]
struct Orders {
    customers: Arc<Customers>,
}

#[hostkit::singleton]
struct Customers {
    orders: Lazy<Orders>,
}

fn main() {
    let _ = |orders: &Orders| format!("{:?}", orders.customers.orders);
}
