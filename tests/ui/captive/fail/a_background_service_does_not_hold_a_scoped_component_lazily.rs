use hostkit::Lazy;
use ui_support::Session;

#[hostkit::background_service]
async fn intake(session: Lazy<Session>) {
    let _ = session;
}

fn main() {}
