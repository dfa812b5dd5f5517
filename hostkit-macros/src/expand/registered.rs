//! The block that carries a registration, out of the user's namespace.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, TokenStreamExt};
use syn::{Attribute, Type};

use crate::model::{Kind, Parameter, Risk, last_segment, plain};
use crate::paths::Hostkit;
use crate::put::{With, put};

/// `const _: () = { use …::__private as __hk; … };`
pub(super) fn block<'c>(
    hostkit: &Hostkit,
    cfgs: impl IntoIterator<Item = &'c Attribute>,
    content: impl Fn(&mut TokenStream),
    tokens: &mut TokenStream,
) {
    let content = With(|tokens: &mut TokenStream| {
        hostkit.import(tokens);
        content(tokens);
    });
    tokens.append_all(cfgs);
    put!(tokens, Span::call_site() => const _: () = { #content };);
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
pub(super) fn checks(parameters: &[Parameter], owner: Owner, tokens: &mut TokenStream) {
    let mut seen: Vec<&Parameter> = Vec::new();
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
        let (place, index) = (parameter.ask.span(), Literal::usize_unsuffixed(index));
        let here = Span::call_site();
        let asker = With(|tokens: &mut TokenStream| match owner {
            Owner::Component => put!(tokens, here => __hk::Owner::Component(&__NODE)),
            Owner::HostLong => put!(tokens, here => __hk::Owner::HostLong),
            Owner::Run => put!(tokens, here => __hk::Owner::Run),
        });
        let registered = Ident::new(if owner == Owner::Component { "__NODE" } else { "__ENTRY" }, here);
        put!(tokens, place => const _: () = __hk::check(#asker, &#registered.edges[#index]););
    }
}

/// What the parameters ask for, with commas between. A component that is asked for twice is asked for at one place, so
/// that a missing one is one error.
pub(super) fn edges(parameters: &[Parameter], kind: Kind, tokens: &mut TokenStream) {
    let mut seen: Vec<&Type> = Vec::new();
    for (index, parameter) in parameters.iter().enumerate() {
        if index > 0 {
            put!(tokens, Span::call_site() => ,);
        }
        let first = parameter.ask.component().and_then(|ty| seen.iter().find(|earlier| same(earlier, ty)));
        match first {
            Some(first) => parameter.clone().placed_at(first).edge(kind, tokens),
            None => {
                seen.extend(parameter.ask.component());
                parameter.edge(kind, tokens);
            }
        }
    }
}

/// What a tuple of these has between its parentheses; of one it needs its comma.
pub(super) fn tuple(parameters: &[Parameter], write: impl Fn(&Parameter, &mut TokenStream), tokens: &mut TokenStream) {
    for (index, parameter) in parameters.iter().enumerate() {
        write(parameter, tokens);
        if index + 1 < parameters.len() || index == 0 {
            put!(tokens, Span::call_site() => ,);
        }
    }
}

/// Whether two types are written alike. Text is made only of those whose names are the same.
fn same(a: &Type, b: &Type) -> bool {
    let name = |ty| last_segment(ty).map(|segment| &segment.ident);
    name(a) == name(b) && plain(a).to_token_stream().to_string() == plain(b).to_token_stream().to_string()
}
