//! The node of a component: a static, so that others can point to it, or a constant where it is generic.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::construct::shim;
use super::generics::bounded;
use crate::expand::registered::{Owner, checks, edges};
use crate::model::{Binding, Component, Kind, Product, ours, place};

/// The node and the traits that lead to it.
pub(super) fn node(component: &Component) -> TokenStream {
    let subject = &component.subject;
    let node = literal(component);
    let generics = bounded(component);
    let (generics, _, clause) = generics.split_for_impl();
    let leads_here = match component.product {
        Product::Own => quote!(__hk::Component),
        Product::Foreign(_) => quote!(__hk::Provided),
    };
    // A generic component has a node for each of its types, and only those who ask for it know them.
    let (place, pointer) = if component.is_generic() {
        (None, quote!(__hk::NodePtr::of(const { &#node })))
    } else {
        (Some(quote!(static __NODE: __hk::Node = #node;)), quote!(__hk::NodePtr::of(&__NODE)))
    };
    // A component is an item by being one; the handle of a function is not.
    let item = matches!(component.product, Product::Foreign(_)).then(|| {
        quote! {
            impl __hk::Item for #subject {
                type Role = __hk::role::Injected;
                const REGISTRATION: __hk::Registration = __hk::Registration::Node(__hk::NodePtr::of(&__NODE));
            }
        }
    });
    quote! {
        #place
        impl #generics #leads_here for #subject #clause {
            const NODE: __hk::NodePtr = #pointer;
        }
        #item
    }
}

/// The submission and the walks over the graph; a generic component is reached through those who ask for it.
pub(super) fn submitted(component: &Component) -> TokenStream {
    if component.is_generic() {
        return TokenStream::new();
    }
    let subject = &component.subject;
    let checks = checks(&component.parameters, Owner::Component);
    quote! {
        __hk::submit! { #subject }
        #checks
    }
}

fn literal(component: &Component) -> TokenStream {
    let Component { name, lifetime, parameters, .. } = component;
    let generic = component.is_generic();
    let lifetime = Ident::new(lifetime, Span::call_site());
    let edges = edges(parameters, Kind::Component);
    let shim = shim(component);
    let recipe = match &component.product {
        Product::Own => quote!(__hk::Recipe::component::<#shim>()),
        // A type that threads cannot share is shown where it is written.
        Product::Foreign(ty) => quote_spanned!(ours(place(ty))=> __hk::Recipe::provider::<__Shim>()),
    };
    let bound = bound(component);
    quote! {
        __hk::Node {
            name: #name,
            source: __hk::here(__hk::module_path!()),
            lifetime: __hk::Lifetime::#lifetime,
            generic: #generic,
            edges: &[#(#edges),*],
            recipe: #recipe #bound,
        }
    }
}

/// `.bound_to(…).keyed(…).default_provider().timeout_ms(…)`, as far as they were asked for.
fn bound(component: &Component) -> TokenStream {
    let Binding { traits, key, default, timeout_ms } = &component.binding;
    let product = match &component.product {
        Product::Own => component.subject.clone(),
        Product::Foreign(ty) => quote!(#ty),
    };
    let casts = traits.iter().map(|of| {
        // A type that does not implement the trait is shown on the trait's name.
        quote_spanned!(ours(place(of))=> __hk::Binding::of::<#of>(&__hk::Cast {
            shared: |it| __hk::Some(it.downcast::<#product>().ok()?),
            lent: |it| __hk::Some(it.downcast_ref::<#product>()?),
        }))
    });
    let traits = (!traits.is_empty()).then(|| quote!(.bound_to(&[#(#casts),*])));
    let key = key.as_ref().map(|key| quote!(.keyed(#key)));
    let default = default.then(|| quote!(.default_provider()));
    let timeout = timeout_ms.map(|timeout| {
        let timeout = proc_macro2::Literal::u64_unsuffixed(timeout);
        quote!(.timeout_ms(#timeout))
    });
    quote!(#traits #key #default #timeout)
}
