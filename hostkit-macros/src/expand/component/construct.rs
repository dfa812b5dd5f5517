//! How a component is built and disposed.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::expand::registered::tuple;
use crate::model::{Call, Component, Dispose, Form, Product};

pub(super) fn construct(component: &Component) -> TokenStream {
    let Component { subject, parameters, .. } = component;
    let (generics, _, clause) = component.generics.split_for_impl();
    let (product, made) = match &component.product {
        Product::Own => (quote!(Self), quote!(Self)),
        Product::Foreign(ty) => (quote!(#ty), quote!(Self::Product)),
    };
    let needs = tuple(&parameters.iter().map(|parameter| parameter.need(Call::Async)).collect::<Vec<_>>());
    let given = tuple(&parameters.iter().map(|parameter| parameter.pattern()).collect::<Vec<_>>());
    let body = body(component, &made);
    let dispose = component.dispose.as_ref().map(dispose);
    quote! {
        impl #generics __hk::Construct for #subject #clause {
            type Product = #product;
            type Needs = #needs;
            fn construct(#given: __hk::Given<'_, Self::Needs>) -> __hk::Constructed<'_, #made> {
                #body
            }
            #dispose
        }
    }
}

fn body(component: &Component, made: &TokenStream) -> TokenStream {
    let expression = &component.construct.expression;
    let place = component.construct.place;
    match component.construct.form {
        Form::Literal => quote!(__hk::Constructed::Now(__hk::Ok(#expression))),
        Form::Sync => {
            let made = quote_spanned!(place=> __hk::made::<#made, _>(#expression));
            quote!(__hk::Constructed::Now(#made))
        }
        // A future that is not `Send` is shown where the block stands: on the constructor's name.
        Form::Async => {
            quote_spanned!(place=> __hk::Constructed::Later(__hk::Box::pin(async move { __hk::made::<#made, _>(#expression.await) })))
        }
    }
}

fn dispose(dispose: &Dispose) -> TokenStream {
    let outcome = if dispose.takes_outcome { quote!(outcome) } else { quote!(_) };
    let arguments = if dispose.takes_outcome { quote!(product, outcome) } else { quote!(product) };
    let awaited = dispose.is_async.then(|| quote!(.await));
    let body =
        quote_spanned!(dispose.place=> __hk::Box::pin(async move { __hk::ended(Self::dispose(#arguments) #awaited) }));
    quote! {
        const DISPOSES: bool = true;
        fn dispose(product: Self, #outcome: __hk::Outcome) -> __hk::BoxFuture<'static, __hk::Ended> {
            #body
        }
    }
}
