//! What background services, periodic and queued functions and hooks have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;
use syn::ext::IdentExt;

use super::handle::declare;
use super::registered::{Owner, block, checks, edges, tuple};
use crate::args::Args;
use crate::args::table::Table;
use crate::errors::Errors;
use crate::input::{Attributed, Function, Item, only_one_attribute};
use crate::model::{Call, Kind, Parameter, Payload, Returns, Service, ours, place};
use crate::put::{With, put};
use crate::validate::service::{handle, is_durable, service};
use crate::validate::shape;

/// What the runtime makes of the function.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Background,
    Periodic,
    Queued,
    Hook(&'static str),
}

/// The expansion of a service attribute; `further` checks what the table of options cannot say.
pub(super) fn expand(
    role: Role,
    table: &Table,
    args: TokenStream,
    item: TokenStream,
    further: fn(&Args, &mut Errors),
) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, table, &mut errors);
    further(&args, &mut errors);
    let mut function = match free_function(item.clone(), table.attribute, &mut errors) {
        Ok(function) => function,
        Err(item) => return errors.after(item),
    };
    let mut faults = Errors::default();
    let service = service(&mut function, role.kind(&args), table.attribute, &args, &mut faults);
    let handle = handle(&function, &args);
    let mut expansion = function.unless_taken(function.written, item);
    declare(&handle, &mut expansion);
    if faults.is_empty() {
        let content = |tokens: &mut TokenStream| registration(role, &service, tokens);
        block(&args.hostkit(), &handle.cfgs, content, &mut expansion);
    } else {
        let service = stand_in(service);
        let content = |tokens: &mut TokenStream| entry(role, &service, pending, tokens);
        block(&args.hostkit(), &handle.cfgs, content, &mut expansion);
    }
    errors.absorb(faults);
    errors.after(expansion)
}

/// The item as a function, or as it came.
pub(super) fn free_function(
    item: TokenStream,
    attribute: &'static str,
    errors: &mut Errors,
) -> Result<Function, TokenStream> {
    match errors.keep(Item::parse(item.clone())) {
        Some(Item::Function(function)) => free(*function, attribute, errors),
        Some(other) => {
            errors.at(Span::call_site(), format!("`#[{attribute}]` goes on a function, and this is {}", other.what()));
            Err(item)
        }
        None => Err(item),
    }
}

/// A function outside of any `impl` block, where its handle has a place beside it.
pub(super) fn free(
    mut function: Function,
    attribute: &'static str,
    errors: &mut Errors,
) -> Result<Function, TokenStream> {
    only_one_attribute(&mut function.attributes, attribute, errors);
    if function.has_no_body() {
        errors.on(&function.signature.ident, format!("`#[{attribute}]` goes on a function that has a body"));
        function.drop_helpers(errors);
        return Err(function.into_token_stream());
    }
    let Some(place) = shape::associated(&function.signature) else { return Ok(function) };
    errors.at(
        place,
        format!("`#[{attribute}]` goes on a function outside of `impl` blocks: its handle type stands beside it, and hostkit has no `self` to call it on"),
    );
    function.drop_helpers(errors);
    Err(function.into_token_stream())
}

/// The static entry, what the handle says of it, the way to call the function, the submission.
fn registration(role: Role, service: &Service, tokens: &mut TokenStream) {
    let handle = &service.handle;
    entry(role, service, call, tokens);
    put!(tokens, Span::call_site() => __hk::submit!(#handle););
    checks(&service.parameters, if service.host_long { Owner::HostLong } else { Owner::Run }, tokens);
}

/// How to copy a payload for another attempt, which a literal demands and the configuration may.
fn copied(service: &Service, payload: &Payload, tokens: &mut TokenStream) {
    let ty = &payload.ty;
    if service.retried {
        payload.cloned(tokens);
    } else {
        put!(tokens, Span::call_site() => const COPY: __hk::Copying<#ty> = {
            use __hk::Uncopied as _;
            __hk::Payloads::<#ty>::COPY
        };);
    }
}

/// The function that takes what is left in the queue.
fn leftover(path: &Path, Payload { ty, .. }: &Payload, tokens: &mut TokenStream) {
    let place = path.segments.last().map_or_else(Span::call_site, |last| ours(last.ident.span()));
    // The function may have any name.
    let left = Ident::new("left", Span::mixed_site());
    put!(tokens, place =>
        const LEFTOVER: __hk::Taker<#ty> = __hk::Some(|#left| __hk::hand_over::<#ty, _>(#path, #left));
    );
}

/// How a payload is stored, which is checked on its type, and what makes two of them the same.
fn stored(service: &Service, Payload { ty, .. }: &Payload, tokens: &mut TokenStream) {
    put!(tokens, ours(place(ty)) => const CODEC: __hk::Coding<#ty> = __hk::Some(__hk::codec::<#ty>()););
    if let Some(path) = &service.key {
        let place = path.segments.last().map_or_else(Span::call_site, |last| ours(last.ident.span()));
        // The function may have any name, and a payload that it does not take is shown on it.
        let payload = Ident::new("payload", Span::mixed_site().located_at(place));
        put!(tokens, place =>
            const KEY: __hk::Keying<#ty> = __hk::Some(|#payload| __hk::key(#path(#payload)));
        );
    }
}

/// What a function with mistakes leaves behind, so that those who name its handle do not get errors as well.
fn stand_in(mut service: Service) -> Service {
    service.parameters.clear();
    if service.kind.has_payload() && service.payload.is_none() {
        let local = Ident::new("_payload", Span::mixed_site());
        service.payload = Some(Payload { local, ty: syn::parse_quote!(()) });
    }
    service
}

fn pending(_: &Service, tokens: &mut TokenStream) {
    put!(tokens, Span::call_site() => ::core::future::pending());
}

/// The static entry; what the handle says of it, which is nothing of the injected types, because the handle may be more
/// visible than they are; and the private type through which the runtime calls the user's function.
fn entry(role: Role, service: &Service, call: fn(&Service, &mut TokenStream), tokens: &mut TokenStream) {
    let Service { kind, handle, name, description, settings, parameters, payload, place, .. } = service;
    let here = Span::call_site();
    let edges = With(|tokens: &mut TokenStream| edges(parameters, *kind, tokens));
    let after = service.after.iter().map(|path| {
        With(move |tokens: &mut TokenStream| {
            let name = path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default();
            put!(tokens, here => __hk::After { handle: __hk::handle_of::<#path>, name: #name });
        })
    });
    let constructor = With(|tokens: &mut TokenStream| role.constructor(service, tokens));
    let of_handle = match payload {
        Some(_) if service.kind == Kind::Durable => "Stored",
        Some(_) => "Enqueued",
        None => "Called",
    };
    let of_handle = Ident::new(of_handle, here);
    let queued = With(|tokens: &mut TokenStream| {
        if let Some(payload) = payload {
            let payload = With(|tokens: &mut TokenStream| payload.declared(tokens));
            put!(tokens, here => impl __hk::Queued for #handle { #payload });
        }
    });
    let declared = With(|tokens: &mut TokenStream| {
        for parameter in parameters {
            parameter.declared(*kind).to_tokens(tokens);
        }
    });
    let called = Ident::new(if payload.is_some() { "Work" } else { "Call" }, here);
    let payload = With(|tokens: &mut TokenStream| {
        if let Some(Payload { local, .. }) = payload {
            put!(tokens, here => #local: <Self::Of as __hk::Queued>::Payload,);
        }
    });
    let of_payload = With(|tokens: &mut TokenStream| {
        if let Some(payload) = &service.payload {
            copied(service, payload, tokens);
            if service.kind == Kind::Durable {
                stored(service, payload, tokens);
            }
            if let Some(path) = &service.leftover {
                leftover(path, payload, tokens);
            }
        }
    });
    let needs =
        With(|tokens: &mut TokenStream| tuple(parameters, |one, tokens| one.need(service.call, tokens), tokens));
    let given = With(|tokens: &mut TokenStream| tuple(parameters, Parameter::pattern, tokens));
    let future = With(|tokens: &mut TokenStream| {
        put!(tokens, *place => impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r);
    });
    let call = With(|tokens: &mut TokenStream| call(service, tokens));
    tokens.extend(quote! {
        static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
            name: #name,
            description: #description,
            source: __hk::here(__hk::module_path!()),
            handle: __hk::TypeId::of::<#handle>,
            edges: &[#edges],
            after: &[#(#after),*],
            options: &[#(#settings),*],
            kind: #constructor,
        };
        impl __hk::Item for #handle {
            type Role = __hk::role::#of_handle;
            const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
        }
        #queued
        #declared
        struct __Shim;
        impl __hk::#called for __Shim {
            type Of = #handle;
            type Needs = (#needs);
            #of_payload
            fn call<'r>(#payload (#given): __hk::Given<'r, Self::Needs>) -> #future {
                #call
            }
        }
    });
}

/// The call of the user's function. A wrong return type is shown on it, and a future that is not `Send` on the name.
fn call(service: &Service, tokens: &mut TokenStream) {
    let Service { function, payload, parameters, output, place, .. } = service;
    let called = With(|tokens: &mut TokenStream| {
        let arguments = With(|tokens: &mut TokenStream| {
            let mut comma = false;
            if let Some(payload) = payload {
                payload.local.to_tokens(tokens);
                comma = true;
            }
            for parameter in parameters {
                if comma {
                    put!(tokens, *output => ,);
                }
                parameter.argument(service.call, tokens);
                comma = true;
            }
        });
        put!(tokens, *output => #function(#arguments));
    });
    let here = Span::call_site();
    let ended = Ident::new(if service.kind == Kind::Durable { "answer" } else { "ended" }, *output);
    match (service.call, service.returns) {
        (Call::Blocking, Returns::Ends) => {
            let ended = With(|tokens: &mut TokenStream| put!(tokens, *output => __hk::#ended(#called)));
            put!(tokens, here => __hk::blocking(move || #ended));
        }
        (Call::Blocking, Returns::Never) => put!(tokens, here => __hk::blocking(move || -> __hk::Ended { #called })),
        // What is lent from the call's own variable is lent inside a future that has it.
        (Call::Async, Returns::Ends) if parameters.iter().any(Parameter::is_taken) => {
            let ended = With(|tokens: &mut TokenStream| put!(tokens, *output => __hk::#ended(#called.await)));
            put!(tokens, *place => async move { #ended });
        }
        (Call::Async, Returns::Ends) => {
            let ended = With(|tokens: &mut TokenStream| put!(tokens, *output => __hk::#ended));
            put!(tokens, *place => __hk::ending(#called, #ended));
        }
        (Call::Async, Returns::Never) => put!(tokens, *place => async move { #called.await }),
    }
}

impl Role {
    fn kind(self, args: &Args) -> Kind {
        match self {
            Self::Queued if is_durable(args) => Kind::Durable,
            Self::Background => Kind::Background,
            Self::Periodic => Kind::Periodic,
            Self::Queued => Kind::Queued,
            Self::Hook(_) => Kind::Hook,
        }
    }

    fn constructor(self, service: &Service, tokens: &mut TokenStream) {
        let here = Span::call_site();
        match self {
            Self::Background => put!(tokens, here => __hk::Kind::background::<__Shim>()),
            Self::Periodic if service.durable => put!(tokens, here => __hk::Kind::durable_periodic::<__Shim>()),
            Self::Periodic => put!(tokens, here => __hk::Kind::periodic::<__Shim>()),
            Self::Queued if service.kind == Kind::Durable => put!(tokens, here => __hk::Kind::durable::<__Shim>()),
            Self::Queued => put!(tokens, here => __hk::Kind::queued::<__Shim>()),
            Self::Hook(stage) => {
                let stage = Ident::new(stage, here);
                put!(tokens, here => __hk::Kind::hook::<__Shim>(__hk::Stage::#stage));
            }
        }
    }
}
