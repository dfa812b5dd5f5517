//! How a component is built and disposed.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

use super::generics::bounded;
use crate::expand::registered::tuple;
use crate::model::{Call, Component, Dispose, Form, Kind, Parameter};
use crate::put::{With, put};

pub(super) fn construct(component: &Component, tokens: &mut TokenStream) {
    let parameters = &component.parameters;
    let here = Span::call_site();
    for parameter in parameters {
        parameter.declared(Kind::Component).to_tokens(tokens);
    }
    let product = With(|tokens: &mut TokenStream| component.product(tokens));
    let needs = With(|tokens: &mut TokenStream| tuple(parameters, |one, tokens| one.need(Call::Async, tokens), tokens));
    let given = With(|tokens: &mut TokenStream| tuple(parameters, Parameter::pattern, tokens));
    let body = With(|tokens: &mut TokenStream| body(component, tokens));
    let dispose = With(|tokens: &mut TokenStream| {
        if let Some(how) = &component.dispose {
            dispose(how, tokens);
        }
    });
    let shim = With(|tokens: &mut TokenStream| shim(component, tokens));
    let bounded = bounded(component);
    let (generics, _, clause) = bounded.split_for_impl();
    if component.is_generic() {
        put!(tokens, here => struct __Shim<T>(::core::marker::PhantomData<T>););
    } else {
        put!(tokens, here => struct __Shim;);
    }
    tokens.extend(quote! {
        impl #generics __hk::Construct for #shim #clause {
            type Product = #product;
            type Needs = (#needs);
            fn construct((#given): __hk::Given<'_, Self::Needs>) -> __hk::Constructed<'_, Self::Product> {
                #body
            }
            #dispose
        }
    });
}

/// The private type that carries what the component asks for: the component may be more visible than that.
pub(super) fn shim(component: &Component, tokens: &mut TokenStream) {
    let subject = &component.subject;
    if component.is_generic() {
        put!(tokens, Span::call_site() => __Shim<#subject>);
    } else {
        put!(tokens, Span::call_site() => __Shim);
    }
}

fn body(component: &Component, tokens: &mut TokenStream) {
    let expression = &component.construct.expression;
    let (here, place) = (Span::call_site(), component.construct.place);
    match component.construct.form {
        Form::Never => put!(tokens, here => ::core::unreachable!()),
        Form::Literal => put!(tokens, here => __hk::Constructed::Now(__hk::Ok(#expression))),
        Form::Sync => {
            let made = With(|tokens: &mut TokenStream| {
                put!(tokens, place => __hk::made::<Self::Product, _>(#expression));
            });
            put!(tokens, here => __hk::Constructed::Now(#made));
        }
        // A future that is not `Send` is shown where the block stands: on the constructor's name.
        Form::Async => put!(tokens, place => __hk::Constructed::Later(__hk::Box::pin(async move {
            __hk::made::<Self::Product, _>(#expression.await)
        }))),
    }
}

fn dispose(dispose: &Dispose, tokens: &mut TokenStream) {
    let path = &dispose.path;
    let here = Span::call_site();
    // Another type than the outcome's is shown where it stands.
    let told = dispose.outcome.map(|place| Ident::new("outcome", place));
    let outcome = told.clone().unwrap_or_else(|| Ident::new("_", here));
    let arguments = With(|tokens: &mut TokenStream| match &told {
        Some(told) => put!(tokens, here => product, #told),
        None => put!(tokens, here => product),
    });
    let awaited = With(|tokens: &mut TokenStream| {
        if dispose.is_async {
            put!(tokens, here => .await);
        }
    });
    let body = With(|tokens: &mut TokenStream| {
        put!(tokens, dispose.place => __hk::Box::pin(async move {
            __hk::ended(#path::dispose(#arguments) #awaited)
        }));
    });
    put!(tokens, here =>
        const DISPOSES: bool = true;
        fn dispose(product: Self::Product, #outcome: __hk::Outcome) -> __hk::BoxFuture<'static, __hk::Ended> {
            #body
        }
    );
}
