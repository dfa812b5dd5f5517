#[hostkit::on_start(every = "1h")]
async fn migrate() {}

fn main() {}
