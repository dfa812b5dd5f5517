//! The arguments of an attribute before anybody knows what they mean: `name`, `name = tokens`, `name(tokens)`.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::errors::Errors;

/// One argument between commas.
pub(crate) struct Raw {
    pub(crate) name: Ident,
    pub(crate) value: RawValue,
}

pub(crate) enum RawValue {
    /// `durable`
    Absent,
    /// `every = "1h"`
    Is(TokenStream),
    /// `link(crate_a, crate_b)`
    List(TokenStream),
}

/// Splits at the commas; an argument that is none of the three forms is reported and left out.
pub(crate) fn split(tokens: TokenStream, example: &str, errors: &mut Errors) -> Vec<Raw> {
    let raws = arguments(tokens).into_iter().filter_map(|argument| match one(&argument) {
        Some(raw) => Some(raw),
        None => {
            errors.on(Tokens(&argument), format!("arguments are written `name = value`, for example `{example}`"));
            None
        }
    });
    raws.collect()
}

/// The tokens between commas that stand in no group and in no angle brackets.
pub(crate) fn arguments(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut all = Vec::new();
    let mut current = Vec::new();
    let mut angles = 0_usize;
    let mut arrow = false;
    for token in tokens {
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                ',' if angles == 0 => {
                    if !current.is_empty() {
                        all.push(std::mem::take(&mut current));
                    }
                    continue;
                }
                '<' => angles += 1,
                '>' if !arrow => angles = angles.saturating_sub(1),
                _ => {}
            }
            arrow = punct.as_char() == '-';
        }
        current.push(token);
    }
    if !current.is_empty() {
        all.push(current);
    }
    all
}

fn one(argument: &[TokenTree]) -> Option<Raw> {
    let (TokenTree::Ident(name), rest) = argument.split_first()? else { return None };
    let value = match rest {
        [] => RawValue::Absent,
        [TokenTree::Punct(equals), value @ ..] if equals.as_char() == '=' => {
            RawValue::Is(value.iter().cloned().collect())
        }
        [TokenTree::Group(list)] if list.delimiter() == Delimiter::Parenthesis => RawValue::List(list.stream()),
        _ => return None,
    };
    Some(Raw { name: name.clone(), value })
}

/// Borrowed tokens, for the span of an error.
pub(crate) struct Tokens<'t>(pub(crate) &'t [TokenTree]);

impl ToTokens for Tokens<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
}

/// The place of a value, or of its name where nothing is written.
pub(crate) fn place(name: &Ident, value: &TokenStream) -> TokenStream {
    if value.is_empty() { name.to_token_stream() } else { value.clone() }
}
