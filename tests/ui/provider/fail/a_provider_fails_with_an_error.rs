struct Trouble;

#[hostkit::singleton]
async fn greeting() -> Result<String, Trouble> {
    Err(Trouble)
}

fn main() {}
