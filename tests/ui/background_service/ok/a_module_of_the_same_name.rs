mod intake {
    pub(super) fn start() {}
}

#[hostkit::background_service(handle = Intake)]
async fn intake() {
    intake::start();
}

mod cleanup {
    #[hostkit::periodic(every = "1h", handle = Cleanup)]
    pub(super) async fn cleanup() {}
}

use cleanup::cleanup;

#[hostkit::background_service(after = [cleanup::Cleanup, Intake])]
async fn last() {
    cleanup().await;
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<Intake>().with::<cleanup::Cleanup>().with::<last>();
}
