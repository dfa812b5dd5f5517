//! The block that carries a registration, out of the user's namespace.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Attribute;

use crate::model::{Parameter, plain};
use crate::paths::Hostkit;

/// `const _: () = { use …::__private as __hk; … };`
pub(super) fn block<'c>(
    hostkit: &Hostkit,
    cfgs: impl IntoIterator<Item = &'c Attribute>,
    content: &TokenStream,
) -> TokenStream {
    let import = hostkit.import();
    let cfgs = cfgs.into_iter();
    quote! {
        #(#cfgs)*
        const _: () = {
            #import
            #content
        };
    }
}

/// One constant per component that is asked for, each on the type it is about: the walk over the graph.
pub(super) fn checks(parameters: &[Parameter], owner: &TokenStream, edges: &TokenStream) -> TokenStream {
    let mut seen = Vec::new();
    let mut checks = TokenStream::new();
    for (index, parameter) in parameters.iter().enumerate() {
        if !parameter.ask.leads_to_a_component() {
            continue;
        }
        let ty = plain(parameter.ask.ty());
        let text = quote!(#ty).to_string();
        if seen.contains(&text) {
            continue;
        }
        seen.push(text);
        let index = proc_macro2::Literal::usize_unsuffixed(index);
        checks.extend(quote_spanned!(parameter.ask.span()=> const _: () = __hk::check(#owner, &#edges[#index]);));
    }
    checks
}

/// A tuple type or pattern; of one it needs its comma.
pub(super) fn tuple(items: &[TokenStream]) -> TokenStream {
    if let [one] = items { quote!((#one,)) } else { quote!((#(#items),*)) }
}
