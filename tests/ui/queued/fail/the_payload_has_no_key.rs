#[hostkit::queued]
async fn process(#[key("eu")] order: i64) {
    let _ = order;
}

fn main() {}
