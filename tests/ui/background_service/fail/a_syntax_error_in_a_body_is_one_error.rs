#[hostkit::background_service]
async fn intake() {
    let = 1;
}

fn main() {}
