//! A component that is built from its fields.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Fields, ItemStruct};

use super::{binding, not_for_types};
use crate::args::Args;
use crate::errors::Errors;
use crate::input::{Inject, take_inject, take_key};
use crate::model::{Component, Construct, Form, Parameter, Product, ours, place};
use crate::validate::parameters::{injected_field, no_cfg, too_many};

/// Reads the struct and takes hostkit's helper attributes from its fields.
pub(crate) fn structure(item: &mut ItemStruct, lifetime: &'static str, args: &Args, errors: &mut Errors) -> Component {
    not_for_types(args, &item.generics, errors);
    let place = ours(item.ident.span());
    let mut parameters = Vec::new();
    let mut values = Vec::new();
    for (index, field) in item.fields.iter_mut().enumerate() {
        no_cfg(&field.attrs, "a field", errors);
        let value = value(index, field, &mut parameters, errors).map(|value| of_the_struct(value, &item.ident));
        values.push((field.ident.clone(), value));
    }
    too_many(parameters.len(), item.ident.span(), errors);
    let (_, arguments, _) = item.generics.split_for_impl();
    let ident = &item.ident;
    Component {
        subject: quote!(#ident #arguments),
        name: ident.unraw().to_string(),
        lifetime,
        generics: item.generics.clone(),
        parameters,
        binding: binding(args, errors),
        product: Product::Own,
        construct: Construct { expression: literal(ident, &item.fields, &values), form: Form::Literal, place },
        dispose: None,
    }
}

/// The value of one field: injected, or what `#[inject(default …)]` says.
fn value(
    index: usize,
    field: &mut syn::Field,
    parameters: &mut Vec<Parameter>,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let inject = take_inject(&mut field.attrs, errors);
    if inject.is_some()
        && let Some(key) = take_key(&mut field.attrs, errors)
    {
        errors.on(key, "a field with a default is not injected, so it has no key");
    }
    match inject {
        Some(Inject::Default) => Some(quote_spanned!(ours(place(&field.ty))=> ::core::default::Default::default())),
        Some(Inject::Value(value)) => Some(value),
        None => {
            let name = field.ident.as_ref().map_or_else(|| index.to_string(), |ident| ident.unraw().to_string());
            let parameter = injected_field(name, index, field, errors)?;
            let local = &parameter.local;
            let value = quote!(#local);
            parameters.push(parameter);
            Some(value)
        }
    }
}

fn literal(ident: &Ident, fields: &Fields, values: &[(Option<Ident>, Option<TokenStream>)]) -> TokenStream {
    let plain = values.iter().map(|(_, value)| value);
    match fields {
        Fields::Unit => quote!(#ident),
        Fields::Unnamed(_) => quote!(#ident(#(#plain),*)),
        Fields::Named(_) => {
            let named = values.iter().filter_map(|(name, value)| {
                let (name, value) = (name.as_ref()?, value.as_ref()?);
                // A variable of the field's name needs no colon.
                Some(if *name == value.to_string() { value.clone() } else { quote!(#name: #value) })
            });
            quote!(#ident { #(#named),* })
        }
    }
}

/// `Self` in a default value means the struct, although the value is written elsewhere in the expansion.
fn of_the_struct(value: TokenStream, ident: &Ident) -> TokenStream {
    let tokens = value.into_iter().map(|token| match token {
        TokenTree::Ident(me) if me == "Self" => TokenTree::Ident(ident.clone()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), of_the_struct(group.stream(), ident));
            inner.set_span(group.span());
            TokenTree::Group(inner)
        }
        token => token,
    });
    tokens.collect()
}
