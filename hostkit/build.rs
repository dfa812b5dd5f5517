//! Does nothing: cargo asks for a build script where a package has `links`, which is why it is here.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
