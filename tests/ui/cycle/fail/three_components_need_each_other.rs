use std::sync::Arc;

#[hostkit::scoped]
struct Orders {
    customers: Arc<Customers>,
}

#[hostkit::scoped]
struct Customers {
    invoices: Arc<Invoices>,
}

#[hostkit::scoped]
struct Invoices {
    orders: Arc<Orders>,
}

#[hostkit::periodic(every = "1h")]
async fn report(orders: &Orders) {
    let _ = &orders.customers.invoices.orders;
}

fn main() {}
