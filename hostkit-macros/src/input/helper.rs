//! hostkit's own helper attributes, `#[key("…")]` and `#[inject(default …)]`: read and taken from the item, because
//! the compiler knows no such attributes.

use proc_macro2::TokenStream;
use syn::parse::ParseStream;
use syn::{Attribute, LitStr, Token};

use crate::errors::Errors;

/// What `#[inject(…)]` says of a field.
pub(crate) enum Inject {
    /// `#[inject(default)]`
    Default,
    /// `#[inject(default = expression)]`
    Value(TokenStream),
}

/// The `#[key("…")]` of a parameter or field.
pub(crate) fn take_key(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Option<LitStr> {
    let mut key = None;
    for attribute in take(attributes, "key", errors) {
        match attribute.parse_args::<LitStr>() {
            Ok(text) if !text.value().trim().is_empty() => key = Some(text),
            _ => errors.on(&attribute, "a key is text in quotes: `#[key(\"a-key\")]`"),
        }
    }
    key
}

/// The `#[inject(default …)]` of a field.
pub(crate) fn take_inject(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Option<Inject> {
    let mut inject = None;
    for attribute in take(attributes, "inject", errors) {
        inject = Some(Inject::Default);
        match attribute.parse_args_with(parse_inject) {
            Ok(parsed) => inject = Some(parsed),
            Err(_) => errors.on(
                &attribute,
                "written `#[inject(default)]` or `#[inject(default = expression)]`, on a field that is not injected",
            ),
        }
    }
    inject
}

fn parse_inject(input: ParseStream<'_>) -> syn::Result<Inject> {
    let word: syn::Ident = input.parse()?;
    if word != "default" {
        return Err(syn::Error::new(word.span(), "unknown"));
    }
    if input.is_empty() {
        return Ok(Inject::Default);
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() {
        return Err(input.error("no value"));
    }
    input.parse().map(Inject::Value)
}

/// All attributes of that name, out of the list; a second one is a mistake.
fn take(attributes: &mut Vec<Attribute>, name: &str, errors: &mut Errors) -> Vec<Attribute> {
    let taken: Vec<Attribute> = attributes.extract_if(.., |attribute| attribute.path().is_ident(name)).collect();
    if let Some(second) = taken.get(1) {
        errors.on(second, format!("`#[{name}]` is given twice"));
    }
    taken
}
