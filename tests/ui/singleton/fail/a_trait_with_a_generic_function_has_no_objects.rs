trait Mailer: Send + Sync {
    fn send<T>(&self, letter: T);
}

#[hostkit::singleton(as = dyn Mailer)]
struct Post {}

impl Mailer for Post {
    fn send<T>(&self, _letter: T) {}
}

fn main() {}
