#![allow(dead_code, non_camel_case_types, unused_imports)]

mod hostkit_names {
    pub struct Edge;
    pub struct Node;
    pub struct Arc;
    pub struct ServiceEntry;
    pub enum Option {
        Some,
        None,
        Ok,
    }
}

use hostkit_names::Option::{None, Ok, Some};
use hostkit_names::{Arc, Edge, Node, Option, ServiceEntry};

mod core {}
mod std {}

trait Item {
    const REGISTRATION: u8 = 1;
}

impl<T> Item for T {}

#[hostkit::scoped]
struct NODE {
    shared: ::std::sync::Arc<Clock>,
}

#[hostkit::scoped]
struct Clock {
    #[inject(default)]
    given: u8,
}

#[hostkit::scoped]
impl Unit {
    fn new(product: &Clock, outcome: &Clock) -> Self {
        let _ = (product, outcome);
        Self
    }

    fn dispose(self, product: hostkit::Outcome) {
        let _ = product;
    }
}

struct Unit;

#[hostkit::queued]
async fn call(payload: i64, given: &Clock, host: &Unit, ended: &Clock, local: &Clock) {
    let _ = (payload, given, host, ended, local);
}

#[hostkit::background_service]
async fn check(entry: hostkit::Queue<call>) {
    let _ = entry;
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<call>().with::<check>().with::<NODE>();
}
