fn outer() {
    #[hostkit::singleton]
    struct Clock {}

    #[hostkit::background_service]
    async fn inner(clock: &Clock) {
        let _ = clock;
    }

    hostkit::Host::empty().with::<inner>();
}

pub(crate) fn main() {
    outer();
}
