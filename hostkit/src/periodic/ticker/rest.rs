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
        Self { timer: sleep_until(crate::time::now()), stopped: conduct.stop.cancelled(), set }
    }

    /// Both clocks now. Whoever sets the wall clock from here on ends the next rest.
    pub(super) fn look(self: Pin<&mut Self>, conduct: &Conduct) -> Reading {
        if let Some(set) = self.project().set {
            // Asked for before the clock is read, so that nothing is lost between.
            set.set(clock_set());
        }
        conduct.clock.read()
    }

    /// Waits until a run is due, and says when that was noticed; none once the function shall stop.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing but the wait.
    pub(super) async fn until_due(
        mut self: Pin<&mut Self>,
        grid: &mut Grid<'_>,
        conduct: &Conduct,
        mut at: Reading,
    ) -> Option<Reading> {
        loop {
            grid.look(&at);
            let wait = grid.wait(&at);
            if wait.is_zero() {
                return (!conduct.is_stopping()).then_some(at);
            }
            self.as_mut().set_timer(at.instant + wait);
            match poll_fn(|cx| self.as_mut().poll(cx)).await {
                Woken::ToLook => at = self.as_mut().look(conduct),
                Woken::ToStop => return None,
            }
        }
    }

    /// The same for one who has not looked yet.
    ///
    /// # Cancel safety
    /// As above.
    pub(super) async fn due(mut self: Pin<&mut Self>, grid: &mut Grid<'_>, conduct: &Conduct) -> Option<Reading> {
        let at = self.as_mut().look(conduct);
        self.until_due(grid, conduct, at).await
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
