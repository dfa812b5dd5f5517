use std::sync::Arc;

use hostkit::Scopes;

#[hostkit::scoped]
struct Orders {
    customers: Arc<Customers>,
}

#[hostkit::scoped]
struct Customers {
    orders: Scopes<Orders>,
}

pub(crate) fn main() {
    let _ = |orders: &Orders| drop(orders.customers.orders.clone());
}
