//! The attribute macros of hostkit. They are documented in the `hostkit` crate, where their examples run.
//!
//! Each macro is a short pipeline: `input` recognises the item without looking into bodies, `args` reads the options
//! against the attribute's table, `validate` turns the item into the `model`, `expand` writes it out.

mod args;
mod cron;
mod errors;
mod expand;
mod input;
mod model;
mod paths;
mod put;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

macro_rules! attributes {
    ($($(#[$docs:meta])* $name:ident => $expand:path;)*) => {
        $(
            $(#[$docs])*
            #[proc_macro_attribute]
            pub fn $name(args: TokenStream, item: TokenStream) -> TokenStream {
                $expand(args.into(), item.into()).into()
            }
        )*
    };
}

attributes! {
    /// A function that runs as long as the host; documented as `hostkit::background_service`.
    background_service => expand::background_service::expand;
    /// A function that runs on a schedule; documented as `hostkit::periodic`.
    periodic => expand::periodic::expand;
    /// A function that works off a queue; documented as `hostkit::queued`.
    queued => expand::queued::expand;
    /// A hook before any service starts; documented as `hostkit::on_start`.
    on_start => expand::hook::on_start;
    /// A hook when all services are ready; documented as `hostkit::on_started`.
    on_started => expand::hook::on_started;
    /// A hook when the host begins to stop; documented as `hostkit::on_stopping`.
    on_stopping => expand::hook::on_stopping;
    /// A hook when all services have ended; documented as `hostkit::on_stopped`.
    on_stopped => expand::hook::on_stopped;
    /// A component that is built once per host; documented as `hostkit::singleton`.
    singleton => expand::component::singleton;
    /// A component that is built once per run or scope; documented as `hostkit::scoped`.
    scoped => expand::component::scoped;
    /// A component that is built for each use; documented as `hostkit::transient`.
    transient => expand::component::transient;
    /// A struct that is bound from a section of the configuration; documented as `hostkit::options`.
    options => expand::options::expand;
    /// A function that says whether something works; documented as `hostkit::health_check`.
    health_check => expand::health_check::expand;
    /// The program's `main` with a body of its own; documented beside `hostkit::main!`.
    program => expand::main::attribute;
}

/// The program's `main`; documented as `hostkit::main`.
#[proc_macro]
pub fn main(args: TokenStream) -> TokenStream {
    expand::main::function_like(args.into()).into()
}

/// Links library crates whose registrations would be lost otherwise; documented as `hostkit::link`.
#[proc_macro]
pub fn link(crates: TokenStream) -> TokenStream {
    expand::link::expand(crates.into()).into()
}
