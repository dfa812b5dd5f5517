use std::rc::Rc;

#[hostkit::queued]
async fn process(order: Rc<i64>) {
    drop(order);
}

fn main() {}
