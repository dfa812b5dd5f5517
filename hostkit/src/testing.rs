#![doc = include_str!("docs/testing.md")]

mod assert;
mod clock;
mod event;
mod fault;
mod journal;
mod linked;
mod moment;
mod patience;
mod queues;
mod start;
mod test_host;

#[doc(inline)]
pub use crate::__assert_linked as assert_linked;
pub use clock::TestClock;
pub use event::{Event, EventKind, Run, RunEnd};
pub use fault::Fault;
pub use moment::{Moment, Span};
pub use queues::Drained;
pub use test_host::TestHost;

pub(crate) use start::Arranged;

#[doc(hidden)]
pub use linked::check_linked;
