use std::marker::PhantomData;
use std::sync::Arc;

use hostkit::Ext;
use ui_support::{Clock, Passing, Session};

trait Entity: Send + Sync + 'static {}

struct Order;

impl Entity for Order {}

#[hostkit::scoped]
struct Repository<T: Entity> {
    greeting: Ext<String>,
    session: Arc<Session>,
    #[inject(default)]
    of: PhantomData<T>,
}

#[hostkit::transient]
struct Twice<T>
where
    T: Sync,
{
    first: Arc<T>,
    second: Arc<Passing<T>>,
}

struct Built<T, const N: usize>([Option<Arc<T>>; N]);

#[hostkit::scoped]
impl<T, const N: usize> Built<T, N> {
    async fn new(one: Arc<T>) -> Self {
        Self([const { None }; N].map(|_: Option<Arc<T>>| Some(Arc::clone(&one))))
    }

    async fn dispose(self) {
        drop(self.0);
    }
}

#[hostkit::periodic(every = "1h")]
async fn report(orders: &Repository<Order>, twice: Box<Twice<Clock>>, built: &Built<Twice<Session>, 3>) {
    let _ = (&orders.greeting, &orders.session, orders.of, &twice.first, &twice.second, &built.0);
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<report>().with::<Repository<Order>>();
}
