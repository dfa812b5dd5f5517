fn main() {
    hostkit::Host::empty().with::<String>();
}
