//! The annotated item: its attributes and its signature, with the bodies left as they are.
//!
//! Bodies are never parsed: that would cost more than everything else here, and a mistake in a body stays the one
//! compiler error that it is.

mod docs;
mod helper;
mod implementation;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, FnArg, ItemStruct, Signature, Token, Visibility};

pub(crate) use docs::{cfgs, description, docs};
pub(crate) use helper::{Inject, take_inject, take_key};
pub(crate) use implementation::Implementation;

use crate::args::table::ATTRIBUTES;
use crate::errors::Errors;

/// What an attribute can stand on.
pub(crate) enum Item {
    Function(Box<Function>),
    Structure(Box<ItemStruct>),
    Implementation(Box<Implementation>),
    /// Something else; the word that says what.
    Other(&'static str),
}

/// A free function.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Item {
    /// In a sentence: "a struct".
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Function(_) => "a function",
            Self::Structure(_) => "a struct",
            Self::Implementation(_) => "an `impl` block",
            Self::Other(what) => what,
        }
    }

    /// Recognises the item by its first tokens.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        Self::parse_stream.parse2(tokens)
    }

    fn parse_stream(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        let item = if ahead.peek(Token![struct]) {
            Self::Structure(Box::new(input.parse()?))
        } else if ahead.peek(Token![impl]) || (ahead.peek(Token![unsafe]) && ahead.peek2(Token![impl])) {
            Self::Implementation(Box::new(Implementation::parse(input)?))
        } else if let Some(what) = other(&ahead) {
            input.parse::<TokenStream>()?;
            Self::Other(what)
        } else {
            Self::Function(Box::new(Function::parse(input)?))
        };
        Ok(item)
    }
}

/// The word for an item that is no function, struct or `impl`.
fn other(ahead: ParseStream<'_>) -> Option<&'static str> {
    if ahead.peek(Token![enum]) {
        Some("an enum")
    } else if ahead.peek(Token![trait])
        || ((ahead.peek(Token![unsafe]) || ahead.peek(Token![auto])) && ahead.peek2(Token![trait]))
    {
        Some("a trait")
    } else if ahead.peek(Token![mod]) {
        Some("a module")
    } else if ahead.peek(Token![use]) {
        Some("an import")
    } else if ahead.peek(Token![type]) {
        Some("a type alias")
    } else if ahead.peek(Token![static]) || (ahead.peek(Token![const]) && !is_function(ahead)) {
        Some("a constant")
    } else if ahead.peek(syn::Ident) && ahead.peek2(syn::Ident) {
        // `union` is a word like any other, until a name follows.
        Some("a union")
    } else if !is_function(ahead) {
        Some("this item")
    } else {
        None
    }
}

fn is_function(ahead: ParseStream<'_>) -> bool {
    ahead.fork().parse::<Signature>().is_ok() || {
        let words = ahead.fork();
        while words.peek(Token![const])
            || words.peek(Token![async])
            || words.peek(Token![unsafe])
            || words.peek(Token![extern])
            || words.peek(syn::LitStr)
        {
            if words.parse::<TokenTree>().is_err() {
                return false;
            }
        }
        words.peek(Token![fn])
    }
}

impl Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let body = input.parse()?;
        Ok(Self { attributes, visibility, signature, body })
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// Whether it is declared only, as in a trait.
    pub(crate) fn has_no_body(&self) -> bool {
        matches!(self.body.clone().into_iter().next(), Some(TokenTree::Punct(punct)) if punct.as_char() == ';')
    }

    /// Takes hostkit's helper attributes from the parameters of a function that is not read any further.
    pub(crate) fn drop_helpers(&mut self, errors: &mut Errors) {
        for input in &mut self.signature.inputs {
            if let FnArg::Typed(typed) = input {
                take_key(&mut typed.attrs, errors);
            }
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for attribute in &self.attributes {
            attribute.to_tokens(tokens);
        }
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// Refuses a second attribute of hostkit on the item, and takes it away so that it does not complain again.
pub(crate) fn only_one_attribute(attributes: &mut Vec<Attribute>, mine: &str, errors: &mut Errors) {
    attributes.retain(|attribute| {
        let path = attribute.path();
        let named = path.segments.last().is_some_and(|last| ATTRIBUTES.iter().any(|name| last.ident == name));
        // Derives have helper attributes of such names, `options` above all, so that one must be written with its path.
        let alone = path.segments.len() == 1 && !path.is_ident("options");
        let ours = named && (alone || path.segments.first().is_some_and(|first| first.ident == "hostkit"));
        if ours {
            errors.on(attribute, format!("an item has one attribute of hostkit, and this one has `#[{mine}]`"));
        }
        !ours
    });
}
