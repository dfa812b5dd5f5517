struct Trouble;

#[hostkit::background_service]
async fn intake() -> Result<(), Trouble> {
    Err(Trouble)
}

fn main() {}
