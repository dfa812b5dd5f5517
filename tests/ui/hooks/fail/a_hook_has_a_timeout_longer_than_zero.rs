#[hostkit::on_started(timeout = "0s")]
async fn announce() {}

fn main() {}
