use std::borrow::Cow;

#[hostkit::queued]
async fn process(order: Cow<'_, str>) {
    drop(order);
}

fn main() {}
