use std::borrow::Cow;

#[hostkit::queued(durable, per_key = 1)]
async fn process(order: Cow<'_, str>) {
    drop(order);
}

fn main() {}
