use std::sync::Arc;

use hostkit::{CancellationToken, Ext};
use ui_support::{Buffer, Clock, Mailer, Session};

#[hostkit::queued(blocking = true)]
fn process(
    order: i64,
    clock: &Clock,
    session: &Session,
    shared: Arc<Session>,
    buffer: &mut Buffer,
    mailer: &dyn Mailer,
    greeting: Ext<String>,
    stop: CancellationToken,
) -> Result<(), String> {
    buffer.lines.push(greeting.to_string());
    let _ = (order, clock, session, shared, mailer, stop);
    Ok(())
}

#[hostkit::background_service(blocking = true)]
fn intake(clock: &Clock) -> ! {
    loop {
        let _ = clock;
        std::thread::park();
    }
}

#[hostkit::on_stopped(blocking = true)]
fn sweep(session: &Session) {
    let _ = session;
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<process>().with::<intake>().with::<sweep>();
}
