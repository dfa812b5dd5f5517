use std::sync::Arc;

#[hostkit::singleton]
struct Post<T> {
    letter: Arc<T>,
}

fn main() {}
