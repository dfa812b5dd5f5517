//! Where expansions find the runtime.

use proc_macro2::TokenStream;
use quote::quote;

/// The path of the hostkit crate: `::hostkit`, or what `crate = "…"` says.
pub(crate) struct Hostkit(TokenStream);

impl Default for Hostkit {
    fn default() -> Self {
        Self(quote!(::hostkit))
    }
}

impl Hostkit {
    pub(crate) fn at(path: &syn::Path) -> Self {
        Self(quote!(#path))
    }

    /// The one import of an expansion's block. A name that no user's module has, because it hides theirs.
    pub(crate) fn import(&self) -> TokenStream {
        let hostkit = &self.0;
        quote!(use #hostkit::__private as __hk;)
    }

    /// The runtime's private module, where no import stands.
    pub(crate) fn private(&self) -> TokenStream {
        let hostkit = &self.0;
        quote!(#hostkit::__private)
    }
}
