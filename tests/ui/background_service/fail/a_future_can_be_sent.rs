use std::rc::Rc;

#[hostkit::background_service]
async fn intake() {
    let count = Rc::new(1);
    std::future::ready(()).await;
    drop(count);
}

fn main() {}
