//! `Self`, which in an expansion is another type than in the user's item.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, Type, TypePath};

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
    if mentioned(ty).is_none() {
        return ty.clone();
    }
    syn::parse2(written_out(ty.to_token_stream(), name)).unwrap_or_else(|_same_tokens| ty.clone())
}

/// Where `Self` stands in the type.
pub(crate) fn mentioned(ty: &Type) -> Option<Span> {
    match ty {
        // Most types are understood without a look at their tokens.
        Type::Reference(reference) => mentioned(&reference.elem),
        Type::Path(TypePath { qself: None, path, .. }) => {
            path.segments.iter().find_map(|segment| match &segment.arguments {
                _ if segment.ident == "Self" => Some(segment.ident.span()),
                PathArguments::None => None,
                PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => mentioned(ty),
                    argument => search(argument.to_token_stream()),
                }),
                PathArguments::Parenthesized(arguments) => search(arguments.to_token_stream()),
            })
        }
        _ => search(ty.to_token_stream()),
    }
}

fn search(tokens: TokenStream) -> Option<Span> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "Self" => Some(ident.span()),
        TokenTree::Group(group) => search(group.stream()),
        _ => None,
    })
}
