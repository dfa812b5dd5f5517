fn main() {
    hostkit::Host::empty().rename::<ui_support::Clock>("clock");
}
