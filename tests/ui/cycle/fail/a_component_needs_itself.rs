use std::sync::Arc;

struct Orders;

#[hostkit::transient]
impl Orders {
    fn new(others: Arc<Orders>) -> Self {
        drop(others);
        Self
    }
}

fn main() {}
