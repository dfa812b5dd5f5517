//! The type that stands for a function, under the function's name in the type namespace.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::Visibility;

use crate::model::{Handle, ours};
use crate::put::put;

/// The braced struct; a unit struct would take the function's place among the values.
pub(super) fn declare(handle: &Handle, tokens: &mut TokenStream) {
    let Handle { ident, docs, cfgs, visibility, function } = handle;
    let here = Span::call_site();
    tokens.append_all(cfgs);
    if docs.is_empty() {
        let text = format!(" The handle of the function `{function}`.");
        put!(tokens, here => #[doc = #text]);
    }
    tokens.append_all(docs);
    if !matches!(visibility, Visibility::Inherited) {
        tokens.extend(placed(visibility.to_token_stream()));
    }
    put!(tokens, here => struct #ident {});
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
