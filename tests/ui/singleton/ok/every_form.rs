use std::sync::Arc;

use hostkit::{All, CancellationToken, Ext, HostLifetime, Lazy, Outcome, Queue, Scopes, TaskQueue};
use ui_support::{Archive, Clock, Mailer, Session};

#[hostkit::singleton]
struct Unit;

#[hostkit::transient]
struct Tuple(Arc<Clock>, #[inject(default)] u8, #[inject(default = "ten".len())] usize);

#[hostkit::transient]
struct EmptyTuple();

#[hostkit::scoped(timeout = "5s")]
struct Fields {
    clock: Arc<Clock>,
    session: Arc<Session>,
    tuple: Box<Tuple>,
    mailer: Arc<dyn Mailer>,
    #[key("eu")]
    other: Arc<dyn Mailer>,
    archive: Option<Arc<dyn Archive>>,
    all: All<dyn Mailer>,
    greeting: Ext<String>,
    perhaps: Option<Ext<u8>>,
    lazy: Lazy<Clock>,
    lazy_trait: Lazy<dyn Mailer>,
    queue: Queue<ui_support::deliver>,
    tasks: TaskQueue,
    scopes: Scopes,
    sessions: Scopes<Session>,
    lifetime: HostLifetime,
    #[inject(default)]
    count: usize,
    #[inject(default = vec![1, 2, 3])]
    numbers: Vec<u8>,
}

#[hostkit::scoped]
impl Constructed {
    fn new(clock: &Clock, stop: CancellationToken) -> Self {
        let _ = (clock, stop);
        Self
    }

    async fn dispose(self, outcome: Outcome) -> Result<(), std::io::Error> {
        let _ = (self, outcome);
        Ok(())
    }
}

struct Constructed;

#[hostkit::scoped]
impl Fallible {
    async fn new(#[key("eu")] mailer: &dyn Mailer, unit: &mut Tuple) -> Made<Self> {
        let _ = (mailer, unit);
        Ok(Self::Ready)
    }

    fn dispose(self) {
        let _ = self;
    }

    const UNRELATED: u8 = 1;

    fn unrelated(&self) -> u8 {
        Self::UNRELATED
    }
}

type Made<T> = Result<T, String>;

enum Fallible {
    Ready,
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<Unit>().with::<EmptyTuple>().with::<Fields>().with::<Constructed>();
    assert_eq!(Fallible::Ready.unrelated(), 1);
    let _ = |fields: Fields| {
        let tuple = (&fields.tuple.0, fields.tuple.1, fields.tuple.2);
        drop((fields.clock, fields.session, tuple, fields.mailer, fields.other, fields.archive, fields.all));
        drop((fields.greeting, fields.perhaps, fields.lazy, fields.lazy_trait, fields.queue, fields.tasks));
        drop((fields.scopes, fields.sessions, fields.lifetime, fields.count, fields.numbers));
    };
}
