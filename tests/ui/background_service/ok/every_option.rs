use hostkit::CancellationToken;

#[hostkit::background_service(
    name = "order-intake",
    enabled = true,
    handle = Intake,
    crate = "hostkit",
    on_failure = "restart",
    on_complete = "keep-running",
    backoff = "100ms..1h 30m",
    max_restarts = 0,
    within = "10m",
    after = [migrate, jobs::import],
    start_timeout = "30s",
    stop_timeout = "0s",
    instances = 2,
    scope = "whole-run"
)]
async fn intake(stop: CancellationToken) {
    stop.cancelled().await;
}

#[hostkit::background_service(on_failure = "stop-host", on_complete = "stop-host", after = migrate)]
async fn second() {}

#[hostkit::background_service(on_failure = "ignore", on_complete = "restart", backoff = "5s")]
async fn third() {}

#[hostkit::background_service(on_complete = "done", enabled = false)]
async fn fourth() {}

#[hostkit::on_start]
async fn migrate() {}

mod jobs {
    #[hostkit::background_service()]
    pub async fn import() {}
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<Intake>().with::<second>().with::<jobs::import>();
}
