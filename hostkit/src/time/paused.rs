//! Tokio's clock, paused for a test and put on a whole tick (feature `testing`).

use std::time::Duration;

use super::{now, real_now};

/// A tick of tokio's timers.
const TICK: Duration = Duration::from_millis(1);

/// Pauses the clock of the current runtime, unless it is paused.
///
/// Only the runtime of one thread has a clock that can be.
pub(crate) async fn pause() {
    if is_paused() {
        return;
    }
    tokio::time::pause();
    align().await;
}

/// Whether time stands still.
fn is_paused() -> bool {
    let (before, began) = (now(), real_now());
    while real_now() == began {
        std::hint::spin_loop();
    }
    now() == before
}

/// Moves the paused clock to the next whole tick, counted as tokio's timers count: from the start of the runtime.
///
/// A timer fires at the first tick that is not before its deadline, and the paused clock jumps by whole ticks. Paused
/// between two ticks, it would show every timer late by the rest of a tick. Nobody says where the ticks are, but a timer
/// less than a tick ahead fires at the next one or at the one after, so a search finds it.
async fn align() {
    let (mut low, mut high) = (1, nanos(TICK));
    while low < high {
        let ahead = (low + high).div_ceil(2);
        let before = now();
        tokio::time::sleep_until(before + Duration::from_nanos(ahead)).await;
        if now() - before > TICK {
            high = ahead - 1;
        } else {
            low = ahead;
        }
    }
    let rest = Duration::from_nanos(low);
    if rest < TICK {
        tokio::time::advance(rest).await;
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn timers_of_a_paused_clock_fire_at_their_very_instants() {
        pause().await;
        for millis in [1, 7, 250, 3_600_000] {
            let before = now();
            tokio::time::sleep(Duration::from_millis(millis)).await;
            assert_eq!(now() - before, Duration::from_millis(millis));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_paused_is_left_alone() {
        assert!(is_paused());
        let before = now();
        pause().await;
        assert_eq!(now(), before);
    }

    #[tokio::test]
    async fn a_running_clock_is_not_paused() {
        assert!(!is_paused());
    }
}
