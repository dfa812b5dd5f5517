//! How a component is built and disposed.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::generics::bounded;
use crate::model::{Call, Component, Dispose, Form, Kind, Parameter, Product};

pub(super) fn construct(component: &Component) -> TokenStream {
    let Component { subject, parameters, .. } = component;
    let generics = bounded(component);
    let (generics, _, clause) = generics.split_for_impl();
    let product = match &component.product {
        Product::Own => subject.clone(),
        Product::Foreign(ty) => quote!(#ty),
    };
    let shim = shim(component);
    let declared = if component.is_generic() {
        quote!(
            struct __Shim<T>(::core::marker::PhantomData<T>);
        )
    } else {
        quote!(
            struct __Shim;
        )
    };
    let needs = parameters.iter().map(|parameter| parameter.need(Call::Async));
    let given = parameters.iter().map(Parameter::pattern);
    let declared_parameters = parameters.iter().filter_map(|parameter| parameter.declared(Kind::Component));
    let body = body(component);
    let dispose = component.dispose.as_ref().map(dispose);
    quote! {
        #(#declared_parameters)*
        #declared
        impl #generics __hk::Construct for #shim #clause {
            type Product = #product;
            type Needs = (#(#needs,)*);
            fn construct((#(#given,)*): __hk::Given<'_, Self::Needs>) -> __hk::Constructed<'_, Self::Product> {
                #body
            }
            #dispose
        }
    }
}

/// The private type that carries what the component asks for: the component may be more visible than that.
pub(super) fn shim(component: &Component) -> TokenStream {
    let subject = &component.subject;
    if component.is_generic() { quote!(__Shim<#subject>) } else { quote!(__Shim) }
}

fn body(component: &Component) -> TokenStream {
    let expression = &component.construct.expression;
    let place = component.construct.place;
    match component.construct.form {
        Form::Never => quote!(::core::unreachable!()),
        Form::Literal => quote!(__hk::Constructed::Now(__hk::Ok(#expression))),
        Form::Sync => {
            let made = quote_spanned!(place=> __hk::made::<Self::Product, _>(#expression));
            quote!(__hk::Constructed::Now(#made))
        }
        // A future that is not `Send` is shown where the block stands: on the constructor's name.
        Form::Async => {
            quote_spanned!(place=> __hk::Constructed::Later(__hk::Box::pin(async move { __hk::made::<Self::Product, _>(#expression.await) })))
        }
    }
}

fn dispose(dispose: &Dispose) -> TokenStream {
    let path = &dispose.path;
    // Another type than the outcome's is shown where it stands.
    let told = dispose.outcome.map(|place| Ident::new("outcome", place));
    let outcome = told.as_ref().map_or_else(|| quote!(_), ToTokens::to_token_stream);
    let arguments = told.map_or_else(|| quote!(product), |told| quote!(product, #told));
    let awaited = dispose.is_async.then(|| quote!(.await));
    let body =
        quote_spanned!(dispose.place=> __hk::Box::pin(async move { __hk::ended(#path::dispose(#arguments) #awaited) }));
    quote! {
        const DISPOSES: bool = true;
        fn dispose(product: Self::Product, #outcome: __hk::Outcome) -> __hk::BoxFuture<'static, __hk::Ended> {
            #body
        }
    }
}
