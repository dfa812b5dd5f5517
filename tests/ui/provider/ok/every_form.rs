use std::sync::Arc;

use hostkit::Ext;
use ui_support::{Clock, Mailer, Session};

struct Pool;

impl Mailer for Pool {}

#[hostkit::singleton]
async fn pool(clock: &Clock) -> Result<Pool, String> {
    let _ = clock;
    Ok(Pool)
}

#[hostkit::scoped(timeout = "5s")]
fn connection(pool: Ext<Pool>, session: Arc<Session>) -> Vec<u8> {
    let _ = (pool, session);
    Vec::new()
}

#[hostkit::transient(key = "eu", handle = Greeting)]
fn greeting() -> std::io::Result<String> {
    Ok("hello".into())
}

#[hostkit::singleton(as = [dyn Mailer], default)]
pub(crate) fn post() -> Pool {
    Pool
}

#[hostkit::singleton(default)]
fn pair() -> (u8, [u8; 4]) {
    (1, [2; 4])
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<pool>().with::<connection>().with::<Greeting>().with::<post>().with::<pair>();
}
