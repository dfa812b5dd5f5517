//! Where expansions find the runtime.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Path;

use crate::put::put;

/// The path of the hostkit crate: `::hostkit`, or what `crate = "…"` says.
#[derive(Default)]
pub(crate) struct Hostkit(Option<Path>);

impl Hostkit {
    pub(crate) fn at(path: &Path) -> Self {
        Self(Some(path.clone()))
    }

    /// The one import of an expansion's block. A name that no user's module has, because it hides theirs.
    pub(crate) fn import(&self, tokens: &mut TokenStream) {
        put!(tokens, Span::call_site() => use #self::__private as __hk;);
    }
}

impl ToTokens for Hostkit {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.0 {
            Some(path) => path.to_tokens(tokens),
            None => put!(tokens, Span::call_site() => ::hostkit),
        }
    }
}
