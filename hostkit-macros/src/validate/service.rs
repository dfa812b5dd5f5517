//! Functions that the host runs: background services, periodic and queued functions, hooks.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{FnArg, LitStr, Pat, ReturnType, Signature, Type};

use super::parameters::{injected, local};
use super::shape;
use crate::args::{Args, literal};
use crate::errors::Errors;
use crate::input::{Function, cfgs, description, docs};
use crate::model::{Call, Handle, Kind, Payload, Service, is_one_of, ours, place, plain};

/// Reads the whole function. What is wrong is reported; the model is complete enough to be expanded if nothing is.
pub(crate) fn service(
    function: &mut Function,
    kind: Kind,
    attribute: &str,
    args: &Args,
    errors: &mut Errors,
) -> Service {
    let what = format!("a `#[{attribute}]` function");
    let signature = &mut function.signature;
    shape::not_const(signature, &what, errors);
    shape::callable(signature, &what, errors);
    shape::concrete(signature, &what, errors);
    let may_say = if kind == Kind::Durable { shape::MaySay::Verdict } else { shape::MaySay::Nothing };
    let returns = shape::returns(&signature.output, &what, may_say, errors);
    let call = call(signature, args, errors);
    let payload = if kind.has_payload() { payload(signature, errors) } else { None };
    let parameters = injected(signature, usize::from(kind.has_payload()), kind, None, errors);
    let output = match &signature.output {
        ReturnType::Type(_, ty) => place(ty),
        ReturnType::Default => signature.ident.span(),
    };
    Service {
        // Without the feature, which is one error, the runtime has no such thing.
        kind: if kind == Kind::Durable && cfg!(not(feature = "durable")) { Kind::Queued } else { kind },
        handle: handle_ident(&signature.ident, args),
        name: name(&signature.ident, args, errors),
        description: description(&function.attributes),
        payload,
        parameters,
        call,
        returns,
        output: ours(output),
        after: args.paths("after").to_vec(),
        settings: args.settings(),
        // What is stored is read again.
        retried: kind == Kind::Queued && args.integer("attempts").is_some_and(|attempts| attempts > 1),
        durable: cfg!(feature = "durable") && is_durable(args),
        key: args.path("key").cloned(),
        leftover: args.path("leftover").cloned(),
        host_long: kind == Kind::Background && args.text("scope").is_none(),
        place: ours(signature.ident.span()),
        function: {
            let mut function = signature.ident.clone();
            function.set_span(ours(output));
            function
        },
    }
}

/// Whether the function is durable, also where the word has a value or is misspelt, so that one mistake is one error.
pub(crate) fn is_durable(args: &Args) -> bool {
    args.place("durable").is_some()
}

/// The handle type of an annotated function: its name, visibility, documentation and `cfg`s.
pub(crate) fn handle(function: &Function, args: &Args) -> Handle {
    Handle {
        ident: handle_ident(function.name(), args),
        docs: docs(&function.attributes).cloned().collect(),
        cfgs: cfgs(&function.attributes).cloned().collect(),
        visibility: function.visibility.clone(),
        function: function.name().unraw().to_string(),
    }
}

/// The name is placed in the expansion, where no lint of the user's looks for camel case.
fn handle_ident(function: &Ident, args: &Args) -> Ident {
    let mut ident = args.ident("handle").unwrap_or(function).clone();
    ident.set_span(ours(ident.span()));
    ident
}

/// `name = "…"`, or the function's.
fn name(function: &Ident, args: &Args, errors: &mut Errors) -> LitStr {
    if let Some(name) = args.text("name") {
        return name.clone();
    }
    let name = LitStr::new(&function.unraw().to_string(), function.span());
    if args.place("name").is_none() && literal::name(&name.value()).is_err() {
        errors.on(
            function,
            format!(
                "`{}` cannot be the name in configuration and on the command line; give one: `name = \"a-name\"`",
                name.value()
            ),
        );
    }
    name
}

fn call(signature: &Signature, args: &Args, errors: &mut Errors) -> Call {
    match (&signature.asyncness, args.has("blocking")) {
        (Some(_), false) => Call::Async,
        (None, true) => Call::Blocking,
        (Some(_), true) => {
            let place = args.place("blocking").unwrap_or_else(Span::call_site);
            errors.at(
                place,
                "`blocking = true` runs a function without `async` on the blocking pool, and this one is `async`",
            );
            Call::Async
        }
        (None, false) => {
            if args.place("blocking").is_none() {
                errors.on(
                    signature.fn_token,
                    "a service is an `async fn`; one that blocks runs on the blocking pool with `blocking = true`",
                );
            }
            Call::Blocking
        }
    }
}

/// The first parameter of a queued function, by value.
fn payload(signature: &Signature, errors: &mut Errors) -> Option<Payload> {
    const PAYLOAD: &str = "the first parameter of a `#[queued]` function is its payload, taken by value";
    let Some(first) = signature.inputs.first() else {
        errors.on(&signature.ident, format!("{PAYLOAD}; this function has no parameter"));
        return None;
    };
    let FnArg::Typed(first) = first else { return None };
    match plain(&first.ty) {
        Type::Reference(_) => errors.on(&first.ty, format!("{PAYLOAD}; this is a reference")),
        Type::ImplTrait(_) | Type::TraitObject(_) | Type::Infer(_) => {
            errors.on(&first.ty, format!("{PAYLOAD}, of one known type"));
        }
        _ if is_injected(&first.ty) => {
            errors.on(&first.ty, format!("{PAYLOAD}; this is something that hostkit passes"));
        }
        _ => {
            let local = match &*first.pat {
                Pat::Ident(pattern) => local(&pattern.ident),
                _ => Ident::new("__payload", Span::mixed_site()),
            };
            return Some(Payload { local, ty: (*first.ty).clone() });
        }
    }
    None
}

/// Types that nobody enqueues.
fn is_injected(ty: &Type) -> bool {
    const INJECTED: [&str; 13] = [
        "CancellationToken",
        "Ext",
        "All",
        "Lazy",
        "TaskQueue",
        "Scope",
        "Scopes",
        "Instance",
        "Ready",
        "Tick",
        "JobContext",
        "JobTransaction",
        "HostLifetime",
    ];
    is_one_of(ty, &INJECTED)
}
