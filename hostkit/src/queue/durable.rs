//! Durable queues: payloads go to a store, and come from it to whoever works.
//!
//! What is generic over the function ends at [`handler`]: everything from the claim to the outcome is compiled once.

mod beat;
mod dispatcher;
mod enqueue;
mod handler;
mod jobs;
mod lane;
mod options;
mod runner;
#[cfg(test)]
mod tests;
#[cfg(feature = "sqlite")]
mod transaction;
mod verdict;
mod work;

pub use enqueue::{Delay, Enqueue, EnqueuedAll, Storage};
#[cfg(feature = "sqlite")]
pub use transaction::JobTransaction;
pub use verdict::{Answered, IntoAnswer, Verdict, answer};

pub(crate) use dispatcher::dispatch;
pub(crate) use handler::{Handler, Unreadable};
pub(crate) use jobs::Jobs;
pub(crate) use options::Options as DurableOptions;
pub(crate) use runner::DurableRunner;
#[cfg(feature = "testing")]
pub(crate) use verdict::is_answer;

use std::sync::Arc;

use self::enqueue::Sending;
use self::options::Options;
use super::Queue;
use super::tap::Tap;
use crate::component::Supplied;
use crate::function::{Durable, Work};
use crate::runner::{Runner, Setup};

/// Reads a durable function's options, and puts its [`Queue`] into the graph, whether it runs in this host or not.
pub(crate) fn set_up<W: Work<Of: Durable>>(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { name, mut settings, offered, problems, probe, jobs, .. } = setup;
    let options = Options::read(&mut settings);
    problems.extend(settings.finish(options::KNOWN));
    let codec = W::CODEC.expect("the expansion of a durable function says how its payload is stored");
    let sending = Sending {
        jobs: Arc::clone(jobs),
        kind: name.into(),
        codec,
        key: W::KEY,
        rules: options.rules(),
        tap: Tap::new(name, probe, W::COPY),
    };
    let queue = Queue::<W::Of>::new(Storage::new(sending));
    jobs.used();
    // Whoever enqueues need not be who works.
    offered.push(Supplied::fitting(queue.clone()));
    Arc::new(DurableRunner::new::<W>(name, options, Arc::clone(jobs), queue))
}
