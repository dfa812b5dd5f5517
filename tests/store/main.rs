//! What every store does: one suite for all homes, random programs that hold SQLite against the model in memory, and what
//! happens to a file when its process is killed or its disk fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::cast_possible_truncation, reason = "numbers of tests are small")]
#![allow(clippy::unchecked_time_subtraction, reason = "so are their times, and a panic is a failure")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a test says what it did and what it skipped")]

/// Runs each of these on every home.
macro_rules! on_every_home {
    ($($case:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $case() { super::$case(crate::home::Home::memory().await).await; })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $case() { super::$case(crate::home::Home::sqlite().await).await; })*
        }
    };
}
pub(crate) use on_every_home;

mod conformance;
mod crash;
mod faults;
mod home;
mod power;
mod random;
mod unsure;
