//! `#[on_start]`, `#[on_started]`, `#[on_stopping]`, `#[on_stopped]`

use proc_macro2::TokenStream;

use super::service::{self, Role};
use crate::args::table::{ON_START, ON_STARTED, ON_STOPPED, ON_STOPPING, Table};

pub(crate) fn on_start(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Start", &ON_START, args, item)
}

pub(crate) fn on_started(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Started", &ON_STARTED, args, item)
}

pub(crate) fn on_stopping(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Stopping", &ON_STOPPING, args, item)
}

pub(crate) fn on_stopped(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Stopped", &ON_STOPPED, args, item)
}

fn expand(stage: &'static str, table: &Table, args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(Role::Hook(stage), table, args, item, |_, _| {})
}
