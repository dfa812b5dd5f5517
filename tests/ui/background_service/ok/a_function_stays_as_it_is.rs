/// Documented.
#[hostkit::background_service]
#[must_use = "an attribute of somebody else"]
pub(crate) async fn intake(mut count: hostkit::Ext<u8>, _: &Clock) {
    count = hostkit::Ext::new(*count + 1);
    drop(count);
}

#[hostkit::singleton]
#[derive(Debug, PartialEq)]
struct Clock {}

pub(crate) fn main() {
    let called: fn(hostkit::Ext<u8>, &'static Clock) -> _ = intake;
    drop(called(hostkit::Ext::new(1), &Clock {}));
    let handle = std::mem::size_of::<intake>();
    assert_eq!(handle, 0);
}
