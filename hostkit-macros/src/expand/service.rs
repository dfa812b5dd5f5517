//! What background services, periodic and queued functions and hooks have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;

use super::handle::declare;
use super::registered::{Owner, block, checks, edges, tuple};
use crate::args::Args;
use crate::args::table::Table;
use crate::errors::Errors;
use crate::input::{Function, Item, only_one_attribute};
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
    let mut function = match free_function(item, table.attribute, &mut errors) {
        Ok(function) => function,
        Err(item) => return errors.after(item),
    };
    let mut faults = Errors::default();
    let service = service(&mut function, role.kind(), table.attribute, &args, &mut faults);
    let handle = handle(&function, &args);
    let declared = declare(&handle);
    let content = if faults.is_empty() { registration(role, &service) } else { stand_in(role, &service) };
    let registered = block(&args.hostkit(), &handle.cfgs, &content);
    errors.absorb(faults);
    errors.after(quote!(#function #declared #registered))
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

/// The static entry, the traits of the handle, the submission.
fn registration(role: Role, service: &Service) -> TokenStream {
    let handle = &service.handle;
    let entry = entry(role, service);
    let item = item(service);
    let shim = shim(service);
    let owner = if service.host_long { Owner::HostLong } else { Owner::Run };
    let cloned = service.payload.as_ref().filter(|_| service.retried).map(Payload::cloned);
    let checks = checks(&service.parameters, owner);
    let leftover = leftover(service);
    quote! {
        #entry
        #item
        #shim
        __hk::submit! { <#handle as __hk::Item>::REGISTRATION }
        #checks
        #cloned
        #leftover
    }
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
    let entry = entry(role, &service);
    let item = item(&service);
    let shim = shim_with(&service, &quote!(::core::future::pending()));
    quote!(#entry #item #shim)
}

fn entry(role: Role, service: &Service) -> TokenStream {
    let Service { handle, name, description, settings, .. } = service;
    let edges = edges(&service.parameters, service.kind);
    let after = service.after.iter().map(|path| {
        let name = path.segments.last().map(|last| last.ident.unraw().to_string()).unwrap_or_default();
        quote!(__hk::After { handle: __hk::handle_of::<#path>, name: #name })
    });
    let kind = role.constructor();
    quote! {
        static __ENTRY: __hk::ServiceEntry = __hk::ServiceEntry {
            name: #name,
            description: #description,
            source: __hk::here(__hk::module_path!()),
            handle: __hk::TypeId::of::<#handle>,
            edges: &[#(#edges),*],
            after: &[#(#after),*],
            options: &[#(#settings),*],
            kind: #kind,
        };
    }
}

/// What the handle says of its function. No injected type stands here: the handle may be more visible than they are.
fn item(service: &Service) -> TokenStream {
    let handle = &service.handle;
    let role = match &service.payload {
        None => quote!(
            type Role = __hk::role::Called;
        ),
        Some(payload) => payload.role(),
    };
    quote! {
        impl __hk::Item for #handle {
            #role
            const REGISTRATION: __hk::Registration = __hk::Registration::Service(&__ENTRY);
        }
    }
}

/// The private type through which the runtime calls the user's function.
fn shim(service: &Service) -> TokenStream {
    let payload = service.payload.iter().map(|payload| payload.local.to_token_stream());
    let injected = service.parameters.iter().map(|parameter| parameter.argument(service.call));
    let arguments = payload.chain(injected);
    let function = &service.function;
    let called = quote_spanned!(service.output=> #function(#(#arguments),*));
    // A wrong return type is shown on it, and a future that is not `Send` where the block stands: on the name.
    let body = match (service.call, service.returns) {
        (Call::Blocking, Returns::Ends) => {
            let ended = quote_spanned!(service.output=> __hk::ended(#called));
            quote!(__hk::blocking(move || #ended))
        }
        (Call::Blocking, Returns::Never) => quote!(__hk::blocking(move || -> __hk::Ended { #called })),
        (Call::Async, Returns::Ends) => {
            // TODO
            quote_spanned!(service.place=> __hk::ending(#called))
        }
        (Call::Async, Returns::Never) => quote_spanned!(service.place=> async move { #called.await }),
    };
    shim_with(service, &body)
}

fn shim_with(service: &Service, body: &TokenStream) -> TokenStream {
    let Service { handle, parameters, call, .. } = service;
    let needs = tuple(&parameters.iter().map(|parameter| parameter.need(*call)).collect::<Vec<_>>());
    let given = tuple(&parameters.iter().map(Parameter::pattern).collect::<Vec<_>>());
    let future = quote_spanned!(service.place=> impl __hk::Future<Output = __hk::Ended> + __hk::Send + 'r);
    let (role, payload) = match &service.payload {
        None => (quote!(Call), None),
        Some(Payload { local, .. }) => (quote!(Work), Some(quote!(#local: <Self::Of as __hk::Queued>::Payload,))),
    };
    let declared = parameters.iter().filter_map(|parameter| parameter.declared(service.kind));
    quote! {
        #(#declared)*
        struct __Shim;
        impl __hk::#role for __Shim {
            type Of = #handle;
            type Needs = #needs;
            fn call<'r>(#payload #given: __hk::Given<'r, Self::Needs>) -> #future {
                #body
            }
        }
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
