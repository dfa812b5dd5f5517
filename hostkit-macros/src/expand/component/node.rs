//! The node of a component: a static, so that others can point to it, or a constant where it is generic.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use super::construct::shim;
use super::generics::bounded;
use crate::expand::registered::{Owner, checks, edges};
use crate::model::{Binding, Component, Kind, Product, ours, place};
use crate::put::{With, put};

/// The node and the traits that lead to it.
pub(super) fn node(component: &Component, tokens: &mut TokenStream) {
    let subject = &component.subject;
    let node = With(|tokens: &mut TokenStream| literal(component, tokens));
    if component.is_generic() {
        // It has a node for each of its types, and only those who ask for it know them.
        let generics = bounded(component);
        let (generics, _, clause) = generics.split_for_impl();
        tokens.extend(quote! {
            impl #generics __hk::Component for #subject #clause {
                const NODE: __hk::NodePtr = __hk::NodePtr::of(const { &#node });
            }
        });
        return;
    }
    let here = Span::call_site();
    put!(tokens, here => static __NODE: __hk::Node = #node;);
    match component.product {
        Product::Own => put!(tokens, here => impl __hk::Component for #subject {
            const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
        }),
        // A component is an item by being one; the handle of a function is not.
        Product::Foreign(_) => put!(tokens, here =>
            impl __hk::Provided for #subject {
                const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
            }
            impl __hk::Item for #subject {
                type Role = __hk::role::Injected;
                const REGISTRATION: __hk::Registration = __hk::Registration::Node(__hk::NodePtr::of(&__NODE));
            }
        ),
    }
}

/// The submission and the walks over the graph; a generic component is reached through those who ask for it.
pub(super) fn submitted(component: &Component, tokens: &mut TokenStream) {
    if component.is_generic() {
        return;
    }
    let subject = &component.subject;
    put!(tokens, Span::call_site() => __hk::submit!(#subject););
    checks(&component.parameters, Owner::Component, tokens);
}

fn literal(component: &Component, tokens: &mut TokenStream) {
    let Component { name, lifetime, parameters, .. } = component;
    let generic = component.is_generic();
    let here = Span::call_site();
    let lifetime = Ident::new(lifetime, here);
    let edges = With(|tokens: &mut TokenStream| edges(parameters, Kind::Component, tokens));
    let recipe = With(|tokens: &mut TokenStream| match &component.product {
        Product::Own => {
            let shim = With(|tokens: &mut TokenStream| shim(component, tokens));
            put!(tokens, here => __hk::Recipe::component::<#shim>());
        }
        // A type that threads cannot share is shown where it is written.
        Product::Foreign(ty) => put!(tokens, ours(place(ty)) => __hk::Recipe::provider::<__Shim>()),
    });
    let bound = With(|tokens: &mut TokenStream| bound(component, tokens));
    tokens.extend(quote! {
        __hk::Node {
            name: #name,
            source: __hk::here(__hk::module_path!()),
            lifetime: __hk::Lifetime::#lifetime,
            generic: #generic,
            edges: &[#edges],
            recipe: #recipe #bound,
        }
    });
}

/// `.bound_to(…).keyed(…).default_provider().timeout_ms(…)`, as far as they were asked for.
fn bound(component: &Component, tokens: &mut TokenStream) {
    let Binding { traits, key, default, timeout_ms } = &component.binding;
    let here = Span::call_site();
    if !traits.is_empty() {
        let product = With(|tokens: &mut TokenStream| component.product(tokens));
        let product = &product;
        let casts = traits.iter().map(|of| {
            // A type that does not implement the trait is shown on the trait's name.
            With(move |tokens: &mut TokenStream| {
                put!(tokens, ours(place(of)) => __hk::Binding::of::<#of>(&__hk::Cast {
                    shared: |it| __hk::Some(it.downcast::<#product>().ok()?),
                    lent: |it| __hk::Some(it.downcast_ref::<#product>()?),
                }));
            })
        });
        tokens.extend(quote!(.bound_to(&[#(#casts),*])));
    }
    if let Some(key) = key {
        put!(tokens, here => .keyed(#key));
    }
    if *default {
        put!(tokens, here => .default_provider());
    }
    if let Some(timeout) = timeout_ms {
        let timeout = Literal::u64_unsuffixed(*timeout);
        put!(tokens, here => .timeout_ms(#timeout));
    }
}

impl Component {
    /// The type of what is built.
    pub(super) fn product(&self, tokens: &mut TokenStream) {
        match &self.product {
            Product::Own => self.subject.to_tokens(tokens),
            Product::Foreign(ty) => ty.to_tokens(tokens),
        }
    }
}
