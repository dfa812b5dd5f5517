use std::sync::Arc;

use ui_support::Session;

type Shared<T> = Arc<T>;

#[hostkit::background_service]
async fn intake(session: Shared<Session>) {
    drop(session);
}

fn main() {}
