//! `overlap = "allow"`: a run begins at its instant, whoever else is under way.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::rest::Rest;
use super::{Called, Ticker, landed, passed_over};
use crate::periodic::grid::{Taken, Way};
use crate::runner::{Callee, Conduct, End, ServiceState};

impl Ticker {
    pub(super) async fn beside_each_other(
        self: &Arc<Self>,
        called: Arc<Called<Box<dyn Callee>>>,
        conduct: &Conduct,
    ) -> End {
        // Tokens that end every run, and not only when the host stops.
        let (stop, abandon) = (conduct.stop.child_token(), conduct.abandon.child_token());
        let of_runs = Conduct { stop, abandon, ..conduct.clone() };
        let mut rest = pin!(Rest::new(&self.options.schedule, conduct));
        let ready = rest.at();
        let mut grid = self.grid(&ready);
        let mut runs: FuturesUnordered<_> = self
            .begins_with_a_run()
            .then(|| Taken::at(&ready))
            .into_iter()
            .map(|taken| self.launch(&called, &of_runs, taken).running)
            .collect();
        let mut end = loop {
            conduct.is_now(if runs.is_empty() { ServiceState::Ready } else { ServiceState::Running });
            // What the arms lose is waits.
            tokio::select! {
                biased;
                Some(joined) = runs.next() => {
                    if let Err(failure) = landed(joined) && let Some(end) = self.failed(failure, conduct, &grid) {
                        break end;
                    }
                }
                due = rest.as_mut().due(&mut grid, conduct) => {
                    let Some(at) = due else {
                        break End::Done;
                    };
                    match grid.take(&at, Way::Free, self.options.missed) {
                        Some(taken) => runs.push(self.launch(&called, &of_runs, taken).running),
                        None => passed_over(conduct),
                    }
                    // Many missed ones at once shall starve nobody.
                    tokio::task::yield_now().await;
                }
            }
        };
        if matches!(end, End::Failed(_)) {
            // The host learns of the failure when this returns, and nothing waits without a bound.
            of_runs.stop.cancel();
            of_runs.abandon.cancel();
        }
        // Invariant 4.
        while let Some(joined) = runs.next().await {
            if let Err(failure) = landed(joined)
                && !matches!(end, End::Failed(_))
                && let Some(later @ (End::Failed(_) | End::Abandoned)) = self.failed(failure, conduct, &grid)
            {
                end = later;
            }
        }
        end
    }
}
