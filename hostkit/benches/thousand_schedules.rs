//! A thousand periodic functions, and hosts full of them.

use std::sync::OnceLock;
use std::time::Duration;

use hostkit::{Host, HostBuilder, RunningHost, Tick};
use tokio::time::Instant;

use crate::thousand;
use crate::timers::{BURSTS, GROUP, Resting, Shape, late, late_for_the_second, lateness};

macro_rules! schedules {
    ($($name:ident)*) => {
        $(
            #[hostkit::periodic(every = "1h")]
            async fn $name(tick: Tick) {
                ran(tick);
            }
        )*

        const NAMES: &[&str] = &[$(stringify!($name)),*];

        fn register_a_thousand(host: &mut HostBuilder, key: &str, schedule: &str) {
            $(
                host.with::<$name>();
                host.set(concat!("periodic.", stringify!($name), ".").to_owned() + key, schedule);
            )*
        }
    };
}
thousand::thousand!(schedules);

fn ran(tick: Tick) {
    static BY_CLOCK: OnceLock<bool> = OnceLock::new();
    if *BY_CLOCK.get_or_init(|| crate::timers::case().is_some_and(|case| case.ends_with(" cron"))) {
        late_for_the_second();
    } else {
        late(tick.scheduled().elapsed());
    }
}

async fn built(functions: usize, key: &str, schedule: &str) -> Host {
    let mut builder = Host::empty();
    register_a_thousand(&mut builder, key, schedule);
    builder.only(NAMES[..functions].iter().copied());
    builder.build().await.unwrap_or_else(|error| panic!("{error}"))
}

async fn started(groups: usize, key: &str, schedule: &str) -> Vec<RunningHost> {
    let mut hosts = Vec::new();
    for _ in 0..groups {
        hosts.push(built(GROUP, key, schedule).await.start().await.expect("nothing can fail"));
    }
    hosts
}

/// A host for each group, started when its turn comes.
async fn late_hosts(shape: Shape, key: &str, schedule: &str) -> [u64; 3] {
    let (mut waiting, mut hosts) = (Vec::new(), Vec::new());
    for _ in 0..shape.groups {
        waiting.push(built(shape.group, key, schedule).await);
    }
    let first = Instant::now();
    for (group, host) in waiting.into_iter().enumerate() {
        shape.turn_of(group, first).await;
        hosts.push(host.start().await.expect("nothing can fail"));
    }
    lateness().await
}

/// How late ten thousand functions are that run every second.
pub(crate) async fn late_every(shape: Shape) -> [u64; 3] {
    late_hosts(shape, "every", "1s").await
}

/// A thousand functions that run so often, on a paused clock.
#[allow(dead_code, reason = "no bench uses all of it")]
pub(crate) async fn runs_every(seconds: u32) {
    let _hosts = started(1, "every", "1s").await;
    tokio::time::sleep(Duration::from_secs(1) * seconds + Duration::from_millis(500)).await;
}

/// The same at every full second.
#[allow(dead_code, reason = "no bench uses all of it")]
pub(crate) async fn late_cron() -> [u64; 3] {
    late_hosts(BURSTS, "cron", "* * * * * *").await
}

/// What so many hosts cost that are up for one function each: the part of a host in the rest of its functions.
pub(crate) async fn rest_of_hosts(hosts: usize) -> [u64; 3] {
    let resting = Resting::before();
    let mut running = Vec::new();
    for _ in 0..hosts {
        let host = Host::empty().with::<n000>().build().await.unwrap_or_else(|error| panic!("{error}"));
        running.push(host.start().await.expect("nothing can fail"));
    }
    resting.of(hosts).await
}

/// What hosts full of functions hold that are not due for long.
pub(crate) async fn rest(groups: usize, key: &str, schedule: &str) -> [u64; 3] {
    // What a process needs once.
    drop(started(1, key, schedule).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let resting = Resting::before();
    let _hosts = started(groups, key, schedule).await;
    resting.of(groups * GROUP).await
}
