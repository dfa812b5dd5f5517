//! Queued functions: a bounded channel in the process, and the workers that empty it.
//!
//! The channel is tokio's `mpsc`, which everybody trusts and who uses tokio has already; `items` lets several workers
//! receive from it. It grows with what is in it, where the channels made for several receivers set their slots aside
//! and need twice the memory for small payloads; and for sixteen workers it is faster than async-channel and flume,
//! because it wakes one worker for an item and not all that wait. `hostkit/benches/queue.rs` measures it.

mod attempts;
mod channel;
mod counts;
#[cfg(feature = "durable")]
mod durable;
mod error;
mod handle;
mod items;
mod job;
mod leftover;
mod line;
#[cfg(feature = "testing")]
mod observed;
mod options;
mod receipt;
mod retry;
mod runner;
#[cfg(feature = "testing")]
mod tap;
#[cfg(not(feature = "testing"))]
#[path = "queue/no_tap.rs"]
mod tap;
mod task_queue;
#[cfg(test)]
mod tests;
mod work;

pub use channel::Channel;
pub use counts::QueueCounts;
#[cfg(feature = "sqlite")]
pub use durable::JobTransaction;
#[cfg(feature = "durable")]
pub use durable::{Answered, Delay, Enqueue, EnqueuedAll, IntoAnswer, Storage, Verdict, answer};
pub use error::EnqueueError;
pub use handle::Queue;
pub use job::JobContext;
pub use line::Line;
pub use receipt::Receipt;
pub use task_queue::TaskQueue;

#[cfg(feature = "durable")]
pub(crate) use durable::{
    DurableOptions, DurableRunner, Handler, Jobs, Unreadable, dispatch, set_up as set_up_durable,
};
pub(crate) use task_queue::{NAME as TASK_QUEUE, set_up as set_up_task_queue};

use std::sync::Arc;

use self::options::Options;
use self::runner::QueueRunner;
use self::tap::Tap;
use crate::component::Supplied;
use crate::function::{InProcess, Work};
use crate::runner::{Runner, Setup};

/// Reads a queued function's options, makes its channel and puts its [`Queue`] into the graph.
pub(crate) fn set_up<W: Work<Of: InProcess>>(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { name, mut settings, supplied, problems, probe, .. } = setup;
    let options = Options::read(&mut settings);
    options.check_payload(&mut settings, W::COPY.is_some());
    problems.extend(settings.finish(&[]));
    let runner = QueueRunner::<W>::new(options, Tap::new(name, probe, W::COPY), |queue| Box::new(queue));
    supplied.push(Supplied::fitting(runner.queue()));
    Arc::new(runner)
}
