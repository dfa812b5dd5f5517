//! `Self`, which in an expansion is another type than in the user's item.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;

/// The tokens with `Self` written out.
pub(crate) fn written_out(tokens: TokenStream, name: &TokenStream) -> TokenStream {
    let tokens = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(me) if me == "Self" => name.clone(),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), written_out(group.stream(), name));
            inner.set_span(group.span());
            TokenTree::Group(inner).into()
        }
        token => token.into(),
    });
    tokens.collect()
}

/// The type with `Self` written out.
pub(crate) fn type_written_out(ty: &Type, name: &TokenStream) -> Type {
    syn::parse2(written_out(ty.to_token_stream(), name)).unwrap_or_else(|_same_tokens| ty.clone())
}
