// 2 errors: of the payload and of the future that holds it.
use std::rc::Rc;

#[hostkit::queued]
async fn process(order: Rc<i64>) {
    drop(order);
}

fn main() {}
