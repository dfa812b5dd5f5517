#[hostkit::background_service]
async fn intake() -> u64 {
    0
}

fn main() {}
