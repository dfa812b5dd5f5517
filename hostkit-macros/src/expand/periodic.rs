//! `#[periodic]`

use proc_macro2::{Span, TokenStream};

use super::service::{self, Role};
use crate::args::Args;
use crate::args::table::PERIODIC;
use crate::errors::Errors;
use crate::validate::service::is_durable;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(Role::Periodic, &PERIODIC, args, item, checks)
}

fn checks(args: &Args, errors: &mut Errors) {
    one_schedule(args, errors);
    durable_or_not(args, errors);
}

/// What only durable functions have, and what they do without.
fn durable_or_not(args: &Args, errors: &mut Errors) {
    if !is_durable(args) {
        for option in ["attempts", "backoff", "keep_done", "keep_dead"] {
            if let Some(place) = args.place(option) {
                errors.at(place, format!("`{option}` is an option of durable functions: write `durable` before it"));
            }
        }
        return;
    }
    if let Some(place) = args.place("run_at_start") {
        errors.at(
            place,
            "a durable function takes no `run_at_start`: what passed while nobody was there is made up for, as `missed` says",
        );
    }
    if let Some(overlap) = args.text("overlap").filter(|overlap| overlap.value() == "cancel-previous") {
        errors.on(overlap, "a durable function cannot cancel its former run, which may be in another process");
    }
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
