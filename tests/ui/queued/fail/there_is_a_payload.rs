#[hostkit::queued]
async fn process() {}

fn main() {}
