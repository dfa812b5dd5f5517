use ui_support::Clock;

fn main() {
    hostkit::Host::empty().replace::<Clock>(|| String::new());
}
