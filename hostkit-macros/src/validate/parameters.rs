//! Parameters and fields that hostkit fills.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Pat, ReturnType, Signature, Type};

use crate::errors::Errors;
use crate::input::take_key;
use crate::model::{Ask, Kind, Parameter, last_segment, type_written_out};

/// The most parameters a function can have: so many places has the tuple that carries them.
const MOST: usize = 16;

/// Reads the injected parameters and takes hostkit's helper attributes from all of them. The first `skip` of them are
/// not injected. `Self` is the subject, where there is one.
pub(crate) fn injected(
    signature: &mut Signature,
    skip: usize,
    kind: Kind,
    subject: Option<&TokenStream>,
    errors: &mut Errors,
) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    // A lifetime that the function declares has been reported where it is declared.
    let reported: Vec<_> = signature.generics.lifetimes().map(|parameter| parameter.lifetime.clone()).collect();
    let beyond = signature.inputs.iter().nth(MOST + skip).map(Spanned::span);
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        let FnArg::Typed(typed) = input else { continue };
        no_cfg(&typed.attrs, "a parameter", errors);
        let key = take_key(&mut typed.attrs, errors);
        if index < skip {
            if let Some(key) = key {
                errors.on(key, "the payload comes from whoever enqueues it and has no key");
            }
            continue;
        }
        let Some(local) = local_of(&typed.pat, index, errors) else { continue };
        let name = if let Pat::Ident(pattern) = &*typed.pat { pattern.ident.unraw().to_string() } else { "_".into() };
        let mut ty = subject.map_or_else(|| (*typed.ty).clone(), |subject| type_written_out(&typed.ty, subject));
        if let Type::Reference(reference) = &mut ty {
            reference.lifetime.take_if(|lifetime| reported.contains(lifetime));
        }
        parameters.extend(parameter(name, local, &ty, key, kind, errors));
    }
    if let Some(beyond) = beyond {
        too_many(parameters.len(), beyond, errors);
    }
    parameters
}

/// The same for one field. References in it are refused, because a component owns what it has.
pub(crate) fn injected_field(
    name: String,
    index: usize,
    field: &mut syn::Field,
    subject: &TokenStream,
    errors: &mut Errors,
) -> Option<Parameter> {
    let key = take_key(&mut field.attrs, errors);
    if let Type::Reference(reference) = crate::model::plain(&field.ty) {
        let target = quote::ToTokens::to_token_stream(&reference.elem);
        errors.on(&field.ty, format!("a component owns what it has: take `Arc<{target}>`"));
        return None;
    }
    let local = match &field.ident {
        Some(ident) => local(ident),
        None => Ident::new(&format!("field_{index}"), Span::mixed_site()),
    };
    parameter(name, local, &type_written_out(&field.ty, subject), key, Kind::Component, errors)
}

pub(crate) fn no_cfg(attributes: &[Attribute], what: &str, errors: &mut Errors) {
    for attribute in
        attributes.iter().filter(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr"))
    {
        errors.on(
            attribute,
            format!("hostkit cannot see whether {what} with a `cfg` is there: put the `cfg` on the whole item"),
        );
    }
}

pub(crate) fn too_many(count: usize, span: Span, errors: &mut Errors) {
    if count > MOST {
        errors.at(
            span,
            format!(
                "hostkit passes at most {MOST} values, these are {count}: put some of them together in a component"
            ),
        );
    }
}

fn parameter(
    name: String,
    local: Ident,
    ty: &Type,
    key: Option<syn::LitStr>,
    kind: Kind,
    errors: &mut Errors,
) -> Option<Parameter> {
    if let Some(reason) = not_here(ty, kind) {
        errors.on(ty, reason);
        return None;
    }
    let ask = errors.keep(Ask::read(ty))?;
    if let Some(key) = &key
        && !ask.can_have_a_key()
    {
        errors
            .on(key, "a key tells providers of one trait or foreign type apart: it goes with `dyn Trait` and `Ext<T>`");
    }
    Some(Parameter { name, local, ask, key })
}

/// What only one kind of function is given.
fn not_here(ty: &Type, kind: Kind) -> Option<&'static str> {
    let segment = last_segment(ty)?;
    let only = |right: Kind, message| (kind != right).then_some(message);
    match segment.ident.to_string().as_str() {
        "Instance" => only(Kind::Background, "only a `#[background_service]` has instances"),
        "Ready" => only(Kind::Background, "only a `#[background_service]` says when it is ready"),
        "Tick" => only(Kind::Periodic, "only a run of a `#[periodic]` function has a tick"),
        "JobContext" if kind.has_payload() => None,
        "JobContext" => Some("only a run of a `#[queued]` function has a job"),
        "JobTransaction" => {
            only(Kind::Durable, "only a run of a `#[queued(durable)]` function has a job with a transaction")
        }
        _ => None,
    }
}

fn local_of(pattern: &Pat, index: usize, errors: &mut Errors) -> Option<Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Some(local(&pattern.ident)),
        Pat::Wild(_) => Some(Ident::new(&format!("argument_{index}"), Span::mixed_site())),
        pattern => {
            errors.on(pattern, "an injected parameter has a plain name; take it apart in the body");
            None
        }
    }
}

/// A variable that no name of the user's can be confused with, although it reads the same.
pub(super) fn local(name: &Ident) -> Ident {
    let mut local = name.clone();
    local.set_span(Span::mixed_site().located_at(name.span()));
    local
}

/// All types of the signature.
pub(super) fn typed_types(signature: &Signature) -> Vec<&Type> {
    let inputs = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&*typed.ty),
        FnArg::Receiver(_) => None,
    });
    let output = match &signature.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    inputs.chain(output).collect()
}
