//! The block that carries a registration, out of the user's namespace.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Type};

use crate::model::{Kind, Parameter, Risk, plain};
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

/// Who asks, as far as the walk over the graph is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Component,
    HostLong,
    Run,
}

/// The walk over the graph: one constant per component that is asked for, each on the type it is about. What is lent for
/// one run can do no harm, so nothing is written for it.
pub(super) fn checks(parameters: &[Parameter], owner: Owner) -> TokenStream {
    let (asker, edges) = match owner {
        Owner::Component => (quote!(__hk::Owner::Component(&__NODE)), quote!(__NODE.edges)),
        Owner::HostLong => (quote!(__hk::Owner::HostLong), quote!(__ENTRY.edges)),
        Owner::Run => (quote!(__hk::Owner::Run), quote!(__ENTRY.edges)),
    };
    let mut seen = Vec::new();
    let mut checks = TokenStream::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let risk = parameter.ask.risk();
        let risky = match risk {
            Risk::Always => true,
            Risk::IfKept => owner != Owner::Run,
            Risk::Never => false,
        };
        let what = (plain(parameter.ask.ty()).to_token_stream().to_string(), risk);
        if !risky || seen.contains(&what) {
            continue;
        }
        seen.push(what);
        let index = Literal::usize_unsuffixed(index);
        checks.extend(quote_spanned!(parameter.ask.span()=> const _: () = __hk::check(#asker, &#edges[#index]);));
    }
    checks
}

/// What the parameters ask for. A component that is asked for twice is asked for at one place, so that a missing one is
/// one error.
pub(super) fn edges(parameters: &[Parameter], kind: Kind) -> Vec<TokenStream> {
    let mut seen: Vec<(String, Type)> = Vec::new();
    let edges = parameters.iter().map(|parameter| {
        let Some(ty) = parameter.ask.component() else { return parameter.edge(kind) };
        let text = ty.to_token_stream().to_string();
        match seen.iter().find(|(earlier, _)| *earlier == text) {
            Some((_, first)) => parameter.clone().placed_at(first).edge(kind),
            None => {
                seen.push((text, ty.clone()));
                parameter.edge(kind)
            }
        }
    });
    edges.collect()
}

/// A tuple type or pattern; of one it needs its comma.
pub(super) fn tuple(items: &[TokenStream]) -> TokenStream {
    if let [one] = items { quote!((#one,)) } else { quote!((#(#items),*)) }
}
