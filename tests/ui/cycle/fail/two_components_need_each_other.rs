use std::sync::Arc;

#[hostkit::singleton]
struct Orders {
    customers: Arc<Customers>,
}

#[hostkit::singleton]
struct Customers {
    orders: Arc<Orders>,
}

fn main() {
    let _ = |orders: &Orders| drop(Arc::clone(&orders.customers.orders));
}
