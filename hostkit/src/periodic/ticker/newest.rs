//! `overlap = "cancel-previous"`: the newest instant wins.
//!
//! A run that takes the token is told and has until the next instant; one that takes none, or is still there then, is
//! dropped at its next await. The new run begins when the former has ended, its scope included.

use std::pin::pin;
use std::sync::Arc;

use super::rest::Rest;
use super::{Called, Flight, Ticker, landed, passed_over};
use crate::component::RunFailure;
use crate::periodic::grid::{Grid, Taken, Way};
use crate::periodic::options::Missed;
use crate::runner::{Callee, Conduct, End, ServiceState};

impl Ticker {
    pub(super) async fn newest_only(self: &Arc<Self>, called: Arc<Called<Box<dyn Callee>>>, conduct: &Conduct) -> End {
        // Runs that cancel each other at once are as good as the last of them.
        let missed = if self.options.missed == Missed::All { Missed::Once } else { self.options.missed };
        let mut rest = pin!(Rest::new(&self.options.schedule, conduct));
        let ready = rest.at();
        let mut grid = self.grid(&ready);
        let mut waiting = self.begins_with_a_run().then(|| Taken::at(&ready));
        let mut flight: Option<Flight> = None;
        loop {
            if flight.is_none() && !conduct.is_stopping() {
                flight = waiting.take().map(|taken| self.launch(&called, conduct, taken));
            }
            conduct.is_now(if flight.is_some() { ServiceState::Running } else { ServiceState::Ready });
            // What the arms lose is waits.
            tokio::select! {
                biased;
                joined = ended(&mut flight) => {
                    let was_cancelled = flight.take().is_some_and(|flight| flight.is_cancelled);
                    if let Some(end) = self.ended(landed(joined), was_cancelled, conduct, &grid) {
                        return end;
                    }
                }
                due = rest.as_mut().due(&mut grid, conduct) => {
                    let Some(at) = due else {
                        break;
                    };
                    match grid.take(&at, Way::Free, missed) {
                        Some(taken) => {
                            flight.iter_mut().for_each(Flight::cancel);
                            waiting = Some(newest(taken, waiting.take()));
                        }
                        None => passed_over(conduct),
                    }
                }
            }
        }
        // Invariant 4.
        if flight.is_none() {
            return End::Done;
        }
        let joined = ended(&mut flight).await;
        let was_cancelled = flight.take().is_some_and(|flight| flight.is_cancelled);
        let is_abandoned = conduct.abandon.is_cancelled();
        let end = self.ended(landed(joined), was_cancelled && !is_abandoned, conduct, &grid);
        end.unwrap_or(End::Done)
    }

    /// What the end of a run means. A cancelled one did what it was told, unless it panicked.
    fn ended(
        &self,
        result: Result<(), RunFailure>,
        was_cancelled: bool,
        conduct: &Conduct,
        grid: &Grid<'_>,
    ) -> Option<End> {
        match result {
            Ok(()) => None,
            Err(failure) if was_cancelled && !matches!(failure, RunFailure::Panicked(_)) => {
                tracing::debug!(target: "hostkit::periodic", service = conduct.name, "run cancelled by the next");
                None
            }
            Err(failure) => self.failed(failure, conduct, grid),
        }
    }
}

impl Flight {
    /// Tells the run to end, or drops it if it cannot be told or was told before.
    fn cancel(&mut self) {
        match &self.told {
            Some(told) if !self.is_cancelled => told.cancel(),
            _ => self.drop.cancel(),
        }
        self.is_cancelled = true;
    }
}

/// Waits for the end of the run under way, if there is any.
async fn ended(flight: &mut Option<Flight>) -> Result<Result<(), RunFailure>, tokio::task::JoinError> {
    match flight {
        Some(flight) => (&mut flight.running).await,
        None => std::future::pending().await,
    }
}

/// The run of the newest instant also stands for those whose run never began.
fn newest(taken: Taken, never_began: Option<Taken>) -> Taken {
    match never_began {
        Some(earlier) => Taken { missed: taken.missed + earlier.missed + 1, ..taken },
        None => taken,
    }
}
