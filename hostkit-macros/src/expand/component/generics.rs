//! What a generic component needs of its types, so that users need not write it: `struct Cache<T> { store: Arc<T> }` is a
//! component for every component `T`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Generics, Type, WherePredicate};

use crate::model::{Ask, Component, generic_argument, last_segment};

/// The user's generics, and what follows from the parameters that mention them.
pub(super) fn bounded(component: &Component) -> Generics {
    let mut generics = component.generics.clone();
    if !component.is_generic() {
        return generics;
    }
    let names: Vec<Ident> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    let subject = &component.subject;
    let itself = quote!(#subject: ::core::marker::Send + ::core::marker::Sync + 'static);
    let lives = names.iter().map(|name| quote!(#name: 'static));
    let asked = component.parameters.iter().filter_map(|parameter| of(&parameter.ask, &names));
    let predicates: Vec<WherePredicate> =
        lives.chain([itself]).chain(asked).filter_map(|predicate| syn::parse2(predicate).ok()).collect();
    generics.make_where_clause().predicates.extend(predicates);
    generics
}

/// What one parameter asks of the types it mentions.
fn of(ask: &Ask, names: &[Ident]) -> Option<TokenStream> {
    if !mentions(ask.ty().to_token_stream(), names) {
        return None;
    }
    match ask {
        Ask::Lent(ty) | Ask::Shared(ty) | Ask::Taken(ty) | Ask::Boxed(ty) => Some(quote!(#ty: __hk::Component)),
        Ask::LentDyn(ty) | Ask::SharedDyn(ty) | Ask::Maybe(ty) | Ask::LazyDyn(ty) => Some(shareable(ty)),
        Ask::Itself(ty) | Ask::Unknown(ty) => {
            let inner = generic_argument(ty)?;
            match last_segment(ty)?.ident.to_string().as_str() {
                "Lazy" | "Scopes" => Some(quote!(#inner: __hk::Component)),
                "Queue" => Some(quote!(#inner: __hk::Queued)),
                "Option" => generic_argument(inner).map(shareable),
                _ => Some(shareable(inner)),
            }
        }
    }
}

fn shareable(ty: &Type) -> TokenStream {
    quote!(#ty: ::core::marker::Send + ::core::marker::Sync + 'static)
}

fn mentions(tokens: TokenStream, names: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.contains(&ident),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}
