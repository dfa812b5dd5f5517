#[hostkit::background_service(crate = "hostkid")]
async fn intake() {}

fn main() {}
