#[hostkit::singleton(key = "eu")]
struct Post<T: Send + Sync + 'static> {
    #[inject(default)]
    letter: std::marker::PhantomData<T>,
}

fn main() {}
