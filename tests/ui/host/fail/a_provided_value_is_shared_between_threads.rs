fn main() {
    hostkit::Host::empty().provide(std::rc::Rc::new(1));
}
