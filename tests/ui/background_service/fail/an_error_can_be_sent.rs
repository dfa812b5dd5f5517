use std::error::Error;

#[hostkit::background_service]
async fn intake() -> Result<(), Box<dyn Error>> {
    Ok(())
}

fn main() {}
