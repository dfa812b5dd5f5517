//! Says for which platform hostkit is built, for the part of the test kit that asks cargo about it. Cargo asks for a build
//! script where a package has `links`, too.

use std::env::VarError;

fn main() -> Result<(), VarError> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=HOSTKIT_TARGET={}", std::env::var("TARGET")?);
    Ok(())
}
