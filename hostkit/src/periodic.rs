//! Periodic functions: runs at the instants of a schedule.

#[cfg(feature = "cron")]
mod cron;
#[cfg(not(feature = "cron"))]
#[path = "periodic/no_cron.rs"]
mod cron;
#[cfg(feature = "durable")]
mod durable;
mod grid;
mod options;
#[cfg(test)]
mod tests;
mod tick;
mod ticker;

pub use tick::Tick;

#[cfg(feature = "durable")]
pub(crate) use durable::set_up as set_up_durable;

use std::sync::Arc;

use self::options::Options;
use self::ticker::Ticker;
use crate::function::Call;
use crate::runner::{Runner, Setup, bind};

/// Reads a periodic function's options.
pub(crate) fn set_up<H: Call>(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { entry, mut settings, problems, .. } = setup;
    let options = Options::read(&mut settings, entry, problems);
    problems.extend(settings.finish(&[]));
    Arc::new(Ticker::new(options, bind::<H>))
}
