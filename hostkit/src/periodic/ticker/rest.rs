//! What a function waits for between its runs.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use std::future::poll_fn;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFuture;

use crate::periodic::grid::Grid;
use crate::periodic::options::Schedule;
use crate::runner::Conduct;
use crate::time::{Reading, clock_set};

pin_project! {
    /// The one sleep of a function, its stop, and the wall clock where the schedule goes by that.
    ///
    /// It outlives the runs: a timer that is set again costs a third of one that is made anew.
    pub(super) struct Rest<'c> {
        #[pin]
        timer: Sleep,
        #[pin]
        stopped: WaitForCancellationFuture<'c>,
        // In a box, because most schedules do not mind that somebody sets the wall clock.
        set: Option<Pin<Box<Notified<'static>>>>,
        // Both clocks when they were last looked at.
        at: Reading,
    }
}

/// Why a rest is over.
enum Woken {
    ToLook,
    ToStop,
}

impl<'c> Rest<'c> {
    pub(super) fn new(schedule: &Schedule, conduct: &'c Conduct) -> Self {
        let set = match schedule {
            Schedule::Every(_) => None,
            Schedule::Cron(_) => Some(Box::pin(clock_set())),
        };
        let at = conduct.clock.read();
        Self { timer: sleep_until(at.instant), stopped: conduct.stop.cancelled(), set, at }
    }

    /// Both clocks when they were last looked at.
    pub(super) fn at(&self) -> Reading {
        self.at
    }

    /// Both clocks now. Whoever sets the wall clock from here on ends the next rest.
    pub(super) fn look(self: Pin<&mut Self>, conduct: &Conduct) -> Reading {
        let this = self.project();
        if let Some(set) = this.set {
            // Asked for before the clock is read, so that nothing is lost between.
            set.set(clock_set());
        }
        *this.at = conduct.clock.read();
        *this.at
    }

    /// Waits until a run is due, counted from the last look, and looks when it is; or until the function shall stop.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing but the wait.
    pub(super) fn until_due<'r>(
        mut self: Pin<&'r mut Self>,
        grid: &'r mut Grid<'_>,
        conduct: &'r Conduct,
    ) -> impl Future<Output = ()> + Send + 'r {
        // A block, because an async function keeps its parameters twice, and this is what a schedule at rest is made of.
        async move {
            loop {
                let at = self.at;
                grid.look(&at);
                let wait = grid.wait(&at);
                if wait.is_zero() {
                    return;
                }
                self.as_mut().set_timer(at.instant + wait);
                match poll_fn(|cx| self.as_mut().poll(cx)).await {
                    Woken::ToLook => self.as_mut().look(conduct),
                    Woken::ToStop => return,
                };
            }
        }
    }

    /// Looks, waits until a run is due, and says when that was noticed; none once the function shall stop.
    ///
    /// # Cancel safety
    /// As above.
    pub(super) async fn due(mut self: Pin<&mut Self>, grid: &mut Grid<'_>, conduct: &Conduct) -> Option<Reading> {
        self.as_mut().look(conduct);
        self.as_mut().until_due(grid, conduct).await;
        (!conduct.is_stopping()).then_some(self.at)
    }

    fn set_timer(self: Pin<&mut Self>, until: Instant) {
        self.project().timer.reset(until);
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Woken> {
        let this = self.project();
        if this.timer.poll(cx).is_ready() || this.set.as_mut().is_some_and(|set| set.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Woken::ToLook);
        }
        this.stopped.poll(cx).map(|()| Woken::ToStop)
    }
}
