use ui_support::Session;

#[hostkit::periodic(every = "1h")]
async fn report(session: Box<Session>) {
    drop(session);
}

fn main() {}
