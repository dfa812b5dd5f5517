//! What background services, periodic and queued functions and hooks have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;

use super::handle::declare;
use super::registered::{Owner, block, checks, edges};
use crate::args::Args;
use crate::args::table::Table;
use crate::errors::Errors;
use crate::input::{Attributed, Function, Item, only_one_attribute};
use crate::model::{Call, Kind, Parameter, Payload, Returns, Service, ours};
use crate::validate::service::{handle, service};
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
    let service = service(&mut function, role.kind(), table.attribute, &args, &mut faults);
    let handle = handle(&function, &args);
    let content = if faults.is_empty() { registration(role, &service) } else { stand_in(role, &service) };
    errors.absorb(faults);
    let mut expansion = function.unless_taken(function.written, item);
    expansion.extend(declare(&handle));
    expansion.extend(block(&args.hostkit(), &handle.cfgs, &content));
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
fn registration(role: Role, service: &Service) -> TokenStream {
    let owner = if service.host_long { Owner::HostLong } else { Owner::Run };
    let cloned = service.payload.as_ref().filter(|_| service.retried).map(Payload::cloned);
    let checks = checks(&service.parameters, owner);
    let leftover = leftover(service);
    let handle = &service.handle;
    let mut content = entry(role, service, &call(service));
    content.extend(quote! {
        __hk::submit! { #handle }
        #checks
        #cloned
        #leftover
    });
    content
}

/// Says that the function takes what is left in the queue.
fn leftover(service: &Service) -> Option<TokenStream> {
    let (path, Payload { ty, .. }) = (service.leftover.as_ref()?, service.payload.as_ref()?);
    let place = path.segments.last().map_or_else(Span::call_site, |last| ours(last.ident.span()));
    Some(quote_spanned!(place=> const _: () = __hk::takes_leftovers::<#ty, _>(#path);))
}

/// What a function with mistakes leaves behind, so that those who name its handle do not get errors as well.
fn stand_in(role: Role, service: &Service) -> TokenStream {
    let mut service = Service { parameters: Vec::new(), ..service.clone() };
    if service.kind == Kind::Queued && service.payload.is_none() {
        let local = Ident::new("_payload", Span::mixed_site());
        service.payload = Some(Payload { local, ty: syn::parse_quote!(()) });
    }
    entry(role, &service, &quote!(::core::future::pending()))
}

/// The static entry; what the handle says of it, which is nothing of the injected types, because the handle may be more
/// visible than they are; and the private type through which the runtime calls the user's function.
fn entry(role: Role, service: &Service, call: &TokenStream) -> TokenStream {
    let Service { kind, handle, name, description, settings, parameters, .. } = service;
    let edges = edges(parameters, *kind);
    let after = service.after.iter().map(|path| {
        let name = path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default();
        quote!(__hk::After { handle: __hk::handle_of::<#path>, name: #name })
    });
    let constructor = role.constructor();
    let declared = parameters.iter().filter_map(|parameter| parameter.declared(*kind));
    let needs = parameters.iter().map(|parameter| parameter.need(service.call));
    let given = parameters.iter().map(Parameter::pattern);
    let future = quote_spanned!(service.place=> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r);
    let (of_handle, called, payload) = match &service.payload {
        None => (
            quote!(
                type Role = __hk::role::Called;
            ),
            Ident::new("Call", Span::call_site()),
            None,
        ),
        Some(payload) => {
            let local = &payload.local;
            let parameter = quote!(#local: <Self::Of as __hk::Queued>::Payload,);
            (payload.role(), Ident::new("Work", Span::call_site()), Some(parameter))
        }
    };
    quote! {
        static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
            name: #name,
            description: #description,
            source: __hk::here(__hk::module_path!()),
            handle: __hk::TypeId::of::<#handle>,
            edges: &[#(#edges),*],
            after: &[#(#after),*],
            options: &[#(#settings),*],
            kind: #constructor,
        };
        impl __hk::Item for #handle {
            #of_handle
            const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
        }
        #(#declared)*
        struct __Shim;
        impl __hk::#called for __Shim {
            type Of = #handle;
            type Needs = (#(#needs,)*);
            fn call<'r>(#payload (#(#given,)*): __hk::Given<'r, Self::Needs>) -> #future {
                #call
            }
        }
    }
}

/// The call of the user's function. A wrong return type is shown on it, and a future that is not `Send` on the name.
fn call(service: &Service) -> TokenStream {
    let payload = service.payload.iter().map(|payload| payload.local.to_token_stream());
    let injected = service.parameters.iter().map(|parameter| parameter.argument(service.call));
    let arguments = payload.chain(injected);
    let function = &service.function;
    let called = quote_spanned!(service.output=> #function(#(#arguments),*));
    match (service.call, service.returns) {
        (Call::Blocking, Returns::Ends) => {
            let ended = quote_spanned!(service.output=> __hk::ended(#called));
            quote!(__hk::blocking(move || #ended))
        }
        (Call::Blocking, Returns::Never) => quote!(__hk::blocking(move || -> __hk::Ended { #called })),
        (Call::Async, Returns::Ends) => quote_spanned!(service.place=> __hk::ending(#called)),
        (Call::Async, Returns::Never) => quote_spanned!(service.place=> async move { #called.await }),
    }
}

impl Role {
    fn kind(self) -> Kind {
        match self {
            Self::Background => Kind::Background,
            Self::Periodic => Kind::Periodic,
            Self::Queued => Kind::Queued,
            Self::Hook(_) => Kind::Hook,
        }
    }

    fn constructor(self) -> TokenStream {
        match self {
            Self::Background => quote!(__hk::Kind::background::<__Shim>()),
            Self::Periodic => quote!(__hk::Kind::periodic::<__Shim>()),
            Self::Queued => quote!(__hk::Kind::queued::<__Shim>()),
            Self::Hook(stage) => {
                let stage = Ident::new(stage, Span::call_site());
                quote!(__hk::Kind::hook::<__Shim>(__hk::Stage::#stage))
            }
        }
    }
}
