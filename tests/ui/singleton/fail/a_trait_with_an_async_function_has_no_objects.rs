trait Mailer: Send + Sync {
    async fn send(&self);
}

#[hostkit::singleton(as = dyn Mailer)]
struct Post {}

impl Mailer for Post {
    async fn send(&self) {}
}

fn main() {}
