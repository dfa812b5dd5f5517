//! The block that carries a registration, out of the user's namespace.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Type};

use crate::model::{Kind, Parameter, Risk, last_segment, plain};
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
    let mut seen: Vec<&Parameter> = Vec::new();
    let mut checks = TokenStream::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let risk = parameter.ask.risk();
        let risky = match risk {
            Risk::Always => true,
            Risk::IfKept => owner != Owner::Run,
            Risk::Never => false,
        };
        let again = |earlier: &&Parameter| earlier.ask.risk() == risk && same(earlier.ask.ty(), parameter.ask.ty());
        if !risky || seen.iter().any(again) {
            continue;
        }
        seen.push(parameter);
        let index = Literal::usize_unsuffixed(index);
        checks.extend(quote_spanned!(parameter.ask.span()=> const _: () = __hk::check(#asker, &#edges[#index]);));
    }
    checks
}

/// What the parameters ask for. A component that is asked for twice is asked for at one place, so that a missing one is
/// one error.
pub(super) fn edges(parameters: &[Parameter], kind: Kind) -> Vec<TokenStream> {
    let mut seen: Vec<&Type> = Vec::new();
    let edges = parameters.iter().map(|parameter| {
        let Some(ty) = parameter.ask.component() else { return parameter.edge(kind) };
        match seen.iter().find(|earlier| same(earlier, ty)) {
            Some(first) => parameter.clone().placed_at(first).edge(kind),
            None => {
                seen.push(ty);
                parameter.edge(kind)
            }
        }
    });
    edges.collect()
}

/// Whether two types are written alike. Text is made only of those whose names are the same.
fn same(a: &Type, b: &Type) -> bool {
    let name = |ty| last_segment(ty).map(|segment| &segment.ident);
    name(a) == name(b) && plain(a).to_token_stream().to_string() == plain(b).to_token_stream().to_string()
}
