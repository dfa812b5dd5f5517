use std::sync::Arc;

#[hostkit::scoped]
struct Session {}

#[hostkit::transient]
struct Orders {
    session: Arc<Session>,
}

#[hostkit::background_service]
async fn intake(orders: &Orders) {
    let _ = &orders.session;
}

fn main() {}
