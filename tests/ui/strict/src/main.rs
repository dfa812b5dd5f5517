//! The `main` of hostkit in a crate that forbids whatever it can, with the dependency under another name.
//!
//! `cargo clippy -p ui-strict -- -D warnings` is the test; `Cargo.toml` has the lints.
#![no_implicit_prelude]
#![deny(warnings)]

use ::host::HostBuilder;

#[::host::program(crate = "::host", link(self = ui_strict))]
async fn main(host: &mut HostBuilder) -> ::core::result::Result<(), ::core::fmt::Error> {
    ::core::future::ready(()).await;
    let _chained: &mut HostBuilder = host.environment("strict");
    ::core::result::Result::Ok(())
}
