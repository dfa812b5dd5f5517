#[hostkit::singleton]
async fn greeting() -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
