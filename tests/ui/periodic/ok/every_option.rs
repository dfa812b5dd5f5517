#[hostkit::periodic(
    every = "1h 30m",
    tz = "Europe/Berlin",
    run_at_start = true,
    jitter = "0s",
    missed = "skip",
    overlap = "cancel-previous",
    timeout = "5m",
    on_failure = "stop-host",
    stop_timeout = "10s",
    name = "clean-up_2",
    enabled = false,
    after = []
)]
async fn cleanup() {}

#[hostkit::periodic(cron = "0 3 * * *", missed = "all", overlap = "allow", on_failure = "continue")]
async fn five_fields() {}

#[hostkit::periodic(cron = "30 0 3 * * MON", missed = "once", overlap = "forbid")]
async fn six_fields() {}

#[hostkit::periodic(cron = "@daily")]
async fn nickname() {}

#[hostkit::periodic(cron = "0 22 L-1,LW,15W 1-6/2,DEC fri#3,SUNL", tz = "Europe/Zurich")]
async fn every_sign() {}

pub(crate) fn main() {
    hostkit::Host::empty()
        .with::<cleanup>()
        .with::<five_fields>()
        .with::<six_fields>()
        .with::<nickname>()
        .with::<every_sign>();
}
