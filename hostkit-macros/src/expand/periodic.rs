//! `#[periodic]`

use proc_macro2::{Span, TokenStream};

use super::service::{self, Role};
use crate::args::Args;
use crate::args::table::PERIODIC;
use crate::errors::Errors;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(Role::Periodic, &PERIODIC, args, item, one_schedule)
}

/// Exactly one of `every` and `cron`; one with a wrong value counts, it has complained already.
fn one_schedule(args: &Args, errors: &mut Errors) {
    match (args.place("every"), args.place("cron")) {
        (Some(_), Some(cron)) => errors.at(cron, "a schedule is either `every` or `cron`"),
        (None, None) => errors
            .at(Span::call_site(), "a periodic function has a schedule: `every = \"1h\"` or `cron = \"0 3 * * *\"`"),
        _ => {}
    }
}
