use std::sync::Arc;

#[hostkit::scoped]
struct Session {}

#[hostkit::transient]
struct Unit {
    session: Arc<Session>,
}

#[hostkit::transient]
struct Repository {
    unit: Arc<Unit>,
}

#[hostkit::singleton]
struct Orders {
    repository: Arc<Repository>,
}

fn main() {
    let _ = |orders: &Orders| drop(Arc::clone(&orders.repository.unit.session));
}
