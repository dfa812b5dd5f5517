#[cfg(any())]
#[hostkit::background_service]
async fn above(missing: &Missing) {}

#[hostkit::background_service]
#[cfg(any())]
async fn below(missing: &Missing) {}

#[hostkit::singleton]
#[cfg(any())]
struct Component {
    missing: Missing,
}

#[hostkit::singleton]
#[cfg(any())]
impl Component {
    fn new(missing: &Missing) -> Self {}
}

#[hostkit::singleton]
#[cfg(any())]
fn provider() -> Missing {}

#[hostkit::options("database")]
#[cfg(any())]
struct Options {}

#[hostkit::queued]
#[cfg(any(unix, not(unix)))]
async fn there(_order: i64) {}

#[hostkit::periodic(every = "1s")]
#[cfg_attr(any(), cfg(any()))]
async fn there_as_well() {}

pub(crate) fn main() {
    hostkit::Host::empty().with::<there>().with::<there_as_well>();
}
