use std::rc::Rc;

struct Orders;

#[hostkit::singleton]
impl Orders {
    async fn new() -> Self {
        let count = Rc::new(1);
        std::future::ready(()).await;
        drop(count);
        Self
    }
}

fn main() {}
