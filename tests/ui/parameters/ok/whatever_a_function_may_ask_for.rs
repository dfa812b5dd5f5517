use std::sync::Arc;

use hostkit::{
    All, CancellationToken, Ext, HostLifetime, Instance, JobContext, Lazy, Queue, Ready, Scope, Scopes, TaskQueue, Tick,
};
use ui_support::{Archive, Buffer, Clock, Mailer, Passing, Session};

#[hostkit::queued]
async fn process(
    order: (i64, String),
    session: &Session,
    shared: Arc<Session>,
    owned: &mut Buffer,
    boxed: Box<Buffer>,
    generic: &Passing<Session>,
    job: JobContext,
    stop: CancellationToken,
) {
    owned.lines.push(order.1);
    let _ = (order.0, session, shared, boxed, &generic.inner, job, stop);
}

#[hostkit::periodic(every = "1h")]
async fn report(
    store: &dyn Mailer,
    shared: Arc<dyn Mailer>,
    both: &(dyn Mailer + 'static),
    perhaps: Option<Arc<dyn Archive>>,
    all: All<dyn Mailer>,
    lazy: Lazy<Clock>,
    lazy_trait: Lazy<dyn Mailer>,
    tick: Tick,
    scope: Scope,
) {
    let _ = (store, shared, both, perhaps, all.len(), lazy, lazy_trait, tick, scope);
}

#[hostkit::periodic(every = "1h")]
async fn keyed(
    #[key("eu")] greeting: Ext<String>,
    #[key("eu")] perhaps: Option<Ext<u8>>,
    #[key("eu")] mailer: &dyn Mailer,
    #[key("eu")] shared: Arc<dyn Mailer>,
    #[key("eu")] maybe: Option<Arc<dyn Mailer>>,
    #[key("eu")] lazy: Lazy<dyn Mailer>,
) {
    let _ = (greeting, perhaps, mailer, shared, maybe, lazy);
}

#[hostkit::background_service]
async fn intake(
    orders: Queue<process>,
    tasks: TaskQueue,
    sessions: Scopes<Session>,
    generic: Scopes<Passing<Session>>,
    scopes: Scopes,
    greeting: Ext<String>,
    perhaps: Option<Ext<u8>>,
    instance: Instance,
    ready: Ready,
    lifetime: HostLifetime,
    letters: Queue<ui_support::deliver>,
) {
    ready.notify();
    let _ = (orders, tasks, sessions, generic, scopes, greeting, perhaps, instance, lifetime, letters);
}

#[hostkit::background_service(scope = "whole-run")]
async fn finite(session: &Session, lazy: Lazy<Session>) {
    let _ = (session, lazy);
}

#[hostkit::on_start]
async fn migrate(clock: &Clock, session: &Session, stop: CancellationToken) {
    let _ = (clock, session, stop);
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<process>().with::<report>().with::<keyed>().with::<intake>();
    hostkit::Host::empty().with::<finite>().with::<migrate>();
}
