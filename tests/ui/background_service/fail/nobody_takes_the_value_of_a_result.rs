#[hostkit::background_service]
async fn intake() -> Result<u64, std::io::Error> {
    Ok(0)
}

fn main() {}
