use ui_support::Session;

#[hostkit::background_service]
async fn intake(session: &Session) {
    let _ = session;
}

fn main() {}
