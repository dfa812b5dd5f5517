#[hostkit::singleton]
fn greeting<T: Default>() -> T {
    T::default()
}

fn main() {}
