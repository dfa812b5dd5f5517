use ui_support::Session;

#[hostkit::singleton]
fn greeting(session: &Session) -> String {
    let _ = session;
    String::new()
}

fn main() {}
