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
use syn::{Attribute, FnArg, ItemStruct, Signature, Visibility};

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
    /// How many attributes it and its parameters were written with.
    pub(crate) written: usize,
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

    /// Recognises the item by its first words.
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        Ok(match Word::of(&trees) {
            Word::Function => {
                // The parser would copy the body into a buffer, token by token.
                let body = trees.pop().map(TokenStream::from).unwrap_or_default();
                let mut function = Function::parse.parse2(trees.into_iter().collect())?;
                function.body.extend(body);
                Self::Function(Box::new(function))
            }
            Word::Structure => Self::Structure(Box::new(syn::parse2(tokens)?)),
            Word::Implementation => Self::Implementation(Box::new(Implementation::parse.parse2(tokens)?)),
            Word::Other(what) => Self::Other(what),
        })
    }
}

/// What the words before an item's name say of it.
enum Word {
    Function,
    Structure,
    Implementation,
    Other(&'static str),
}

impl Word {
    fn of(mut tokens: &[TokenTree]) -> Self {
        let what = loop {
            let (first, rest) = match tokens {
                // An attribute.
                [TokenTree::Punct(_), TokenTree::Group(_), rest @ ..]
                // A visibility that a macro passed on.
                | [TokenTree::Group(_), rest @ ..] => {
                    tokens = rest;
                    continue;
                }
                [TokenTree::Ident(first), rest @ ..] => (first, rest),
                _ => break "this item",
            };
            match first.to_string().as_str() {
                "pub" => tokens = rest,
                "fn" => return Self::Function,
                "struct" => return Self::Structure,
                "impl" => return Self::Implementation,
                "enum" => break "an enum",
                "trait" => break "a trait",
                "mod" => break "a module",
                "use" => break "an import",
                "type" => break "a type alias",
                "union" => break "a union",
                "static" => break "a constant",
                "const" if !is_function(rest) => break "a constant",
                _ if is_function(rest) => return Self::Function,
                "unsafe" | "auto" => tokens = rest,
                _ => break "this item",
            }
        };
        Self::Other(what)
    }
}

/// Whether nothing but words such as `async` and `extern "C"` stands before `fn`.
fn is_function(tokens: &[TokenTree]) -> bool {
    let mut words = tokens.iter().skip_while(|token| match token {
        TokenTree::Ident(word) => ["const", "async", "unsafe", "safe", "extern"].contains(&word.to_string().as_str()),
        TokenTree::Literal(_) => true,
        TokenTree::Group(_) | TokenTree::Punct(_) => false,
    });
    matches!(words.next(), Some(TokenTree::Ident(word)) if word == "fn")
}

/// What has attributes, some of which are hostkit's to take.
pub(crate) trait Attributed: ToTokens {
    /// How many there are.
    fn attributes(&self) -> usize;

    /// The item's tokens: those that were written, if it still has as many attributes as then.
    fn unless_taken(&self, before: usize, written: TokenStream) -> TokenStream {
        if self.attributes() == before { written } else { self.to_token_stream() }
    }
}

impl Attributed for ItemStruct {
    fn attributes(&self) -> usize {
        self.attrs.len() + self.fields.iter().map(|field| field.attrs.len()).sum::<usize>()
    }
}

impl Attributed for Function {
    fn attributes(&self) -> usize {
        let of_parameters = self.signature.inputs.iter().map(|input| match input {
            FnArg::Typed(typed) => typed.attrs.len(),
            FnArg::Receiver(receiver) => receiver.attrs.len(),
        });
        self.attributes.len() + of_parameters.sum::<usize>()
    }
}

impl Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let body = input.parse()?;
        let mut function = Self { attributes, visibility, signature, body, written: 0 };
        function.written = function.attributes();
        Ok(function)
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
        let last = path.segments.last().map(|last| last.ident.to_string());
        let named = last.is_some_and(|last| ATTRIBUTES.contains(&last.as_str()));
        // Derives have helper attributes of such names, `options` above all, so that one must be written with its path.
        let alone = path.segments.len() == 1 && !path.is_ident("options");
        let ours = named && (alone || path.segments.first().is_some_and(|first| first.ident == "hostkit"));
        if ours {
            errors.on(attribute, format!("an item has one attribute of hostkit, and this one has `#[{mine}]`"));
        }
        !ours
    });
}
