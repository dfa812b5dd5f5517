use std::rc::Rc;

struct Unit;

#[hostkit::scoped]
impl Unit {
    fn new() -> Self {
        Self
    }

    async fn dispose(self) {
        let count = Rc::new(1);
        std::future::ready(()).await;
        drop(count);
    }
}

fn main() {}
