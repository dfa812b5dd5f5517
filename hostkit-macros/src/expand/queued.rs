//! `#[queued]`

use proc_macro2::TokenStream;

use super::service::{self, Role};
use crate::args::Args;
use crate::args::table::QUEUED;
use crate::errors::Errors;
use crate::validate::service::is_durable;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(Role::Queued, &QUEUED, args, item, durable_or_not)
}

/// What only durable functions have.
const DURABLE: [&str; 10] =
    ["priority", "keep_done", "keep_dead", "unique", "unique_for", "key", "per_key", "rate", "delivery", "version"];

/// What they do without, and why.
const IN_PROCESS: [(&str, &str); 3] = [
    ("full", "one with a `capacity` refuses what is enqueued when it is full"),
    ("drain", "what is not begun at the stop stays in the store"),
    ("leftover", "what is not begun at the stop stays in the store"),
];

fn durable_or_not(args: &Args, errors: &mut Errors) {
    if !is_durable(args) {
        for option in DURABLE {
            if let Some(place) = args.place(option) {
                errors.at(place, format!("`{option}` is an option of durable functions: write `durable` before it"));
            }
        }
        return;
    }
    for (option, instead) in IN_PROCESS {
        if let Some(place) = args.place(option) {
            errors.at(place, format!("a durable function takes no `{option}`: {instead}"));
        }
    }
    let unique = args.text("unique");
    // A word that is not known may have been either.
    let is_known = unique.is_some() || args.place("unique").is_none();
    let is_timed = unique.is_some_and(|unique| matches!(&*unique.value(), "throttle" | "debounce"));
    match (unique, args.place("unique_for")) {
        (Some(unique), None) if is_timed => {
            errors.on(unique, "this needs to know for how long: add `unique_for = \"1m\"`");
        }
        (_, Some(place)) if !is_timed && is_known => {
            errors.at(place, "`unique_for` goes with `unique = \"throttle\"` or `unique = \"debounce\"`");
        }
        _ => {}
    }
    if let Some(place) = args.place("attempts")
        && args.integer("attempts").is_some_and(|attempts| attempts > 1)
        && args.text("delivery").is_some_and(|delivery| delivery.value() == "at-most-once")
    {
        errors.at(place, "what runs at most once has one attempt: leave `attempts` out");
    }
    if let Some(place) = args.place("key")
        && args.place("unique").is_none()
        && args.place("per_key").is_none()
    {
        errors.at(place, "`key` goes with `unique` or `per_key`, which say what is done with it");
    }
}
