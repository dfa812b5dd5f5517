use std::fmt::Result;

#[hostkit::singleton]
fn greeting() -> Result {
    Ok(())
}

fn main() {}
