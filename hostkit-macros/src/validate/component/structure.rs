//! A component that is built from its fields.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Fields, ItemStruct};

use super::{binding, not_for_types};
use crate::args::Args;
use crate::errors::Errors;
use crate::input::{Inject, take_inject, take_key};
use crate::model::{Component, Construct, Form, Parameter, Product, ours, place, written_out};
use crate::put::{With, put};
use crate::validate::parameters::{injected_field, no_cfg, too_many};

/// Reads the struct and takes hostkit's helper attributes from its fields.
pub(crate) fn structure(item: &mut ItemStruct, lifetime: &'static str, args: &Args, errors: &mut Errors) -> Component {
    not_for_types(args, &item.generics, errors);
    let place = ours(item.ident.span());
    let mut parameters = Vec::new();
    let mut values = Vec::new();
    let (_, arguments, _) = item.generics.split_for_impl();
    let ident = &item.ident;
    // In an expression the compiler finds the arguments itself.
    let (subject, name) = (quote!(#ident #arguments), quote!(#ident));
    for (index, field) in item.fields.iter_mut().enumerate() {
        no_cfg(&field.attrs, "a field", errors);
        let value = value(index, field, (&subject, &name), &mut parameters, errors);
        values.push((field.ident.clone(), value));
    }
    too_many(parameters.len(), ident.span(), errors);
    Component {
        subject,
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

/// What a field gets.
enum Value {
    /// The variable that holds what is injected.
    Injected(Ident),
    /// What `#[inject(default …)]` says.
    Default(TokenStream),
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Injected(local) => local.to_tokens(tokens),
            Self::Default(value) => value.to_tokens(tokens),
        }
    }
}

/// The value of one field.
fn value(
    index: usize,
    field: &mut syn::Field,
    (subject, own): (&TokenStream, &TokenStream),
    parameters: &mut Vec<Parameter>,
    errors: &mut Errors,
) -> Option<Value> {
    let inject = take_inject(&mut field.attrs, errors);
    if inject.is_some()
        && let Some(key) = take_key(&mut field.attrs, errors)
    {
        errors.on(key, "a field with a default is not injected, so it has no key");
    }
    match inject {
        Some(Inject::Default) => {
            Some(Value::Default(quote_spanned!(ours(place(&field.ty))=> ::core::default::Default::default())))
        }
        Some(Inject::Value(value)) => Some(Value::Default(written_out(value, own))),
        None => {
            let name = field.ident.as_ref().map_or_else(|| index.to_string(), |ident| ident.unraw().to_string());
            let parameter = injected_field(name, index, field, subject, errors)?;
            let local = parameter.local.clone();
            parameters.push(parameter);
            Some(Value::Injected(local))
        }
    }
}

fn literal(ident: &Ident, fields: &Fields, values: &[(Option<Ident>, Option<Value>)]) -> TokenStream {
    let plain = values.iter().map(|(_, value)| value);
    match fields {
        Fields::Unit => quote!(#ident),
        Fields::Unnamed(_) => quote!(#ident(#(#plain),*)),
        Fields::Named(_) => {
            let named = values.iter().filter_map(|(name, value)| {
                let (name, value) = (name.as_ref()?, value.as_ref()?);
                Some(With(move |tokens: &mut TokenStream| match value {
                    // A variable of the field's name needs no colon.
                    Value::Injected(local) if local == name => local.to_tokens(tokens),
                    _ => put!(tokens, Span::call_site() => #name: #value),
                }))
            });
            quote!(#ident { #(#named),* })
        }
    }
}
