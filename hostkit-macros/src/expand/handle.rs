//! The type that stands for a function, under the function's name in the type namespace.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};

use crate::model::{Handle, ours};

/// The braced struct; a unit struct would take the function's place among the values.
pub(super) fn declare(handle: &Handle) -> TokenStream {
    let Handle { ident, docs, cfgs, visibility, function } = handle;
    let visibility = placed(visibility.to_token_stream());
    let docs = if docs.is_empty() {
        let text = format!(" The handle of the function `{function}`.");
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    };
    quote! {
        #(#cfgs)*
        #docs
        #visibility struct #ident {}
    }
}

/// The same tokens, placed in the expansion, so that no lint takes the item for one that the user wrote.
fn placed(tokens: TokenStream) -> TokenStream {
    let tokens = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            let mut inner = proc_macro2::Group::new(group.delimiter(), placed(group.stream()));
            inner.set_span(group.span());
            token = TokenTree::Group(inner);
        }
        token.set_span(ours(token.span()));
        token
    });
    tokens.collect()
}
