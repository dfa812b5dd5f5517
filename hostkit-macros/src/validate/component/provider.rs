//! A function that makes a foreign type, which is asked for as `Ext<T>`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Generics, ReturnType, Signature, Type};

use super::binding;
use crate::args::Args;
use crate::errors::Errors;
use crate::input::Function;
use crate::model::{
    Call, Component, Construct, Form, Kind, Product, generic_argument, last_segment, ours, place, plain,
};
use crate::put::With;
use crate::validate::parameters::injected;
use crate::validate::shape;

/// Reads the function and takes hostkit's helper attributes from its parameters.
pub(crate) fn provider(
    function: &mut Function,
    handle: &Ident,
    lifetime: &'static str,
    args: &Args,
    errors: &mut Errors,
) -> Component {
    let signature = &mut function.signature;
    shape::callable(signature, "a provider", errors);
    shape::concrete(signature, "a provider", errors);
    let product = product(signature, errors);
    let parameters = injected(signature, 0, Kind::Component, None, errors);
    let place = ours(signature.ident.span());
    let mut called = signature.ident.clone();
    called.set_span(place);
    let arguments =
        parameters.iter().map(|parameter| With(|tokens: &mut TokenStream| parameter.argument(Call::Async, tokens)));
    let expression = quote!(#called(#(#arguments),*));
    Component {
        subject: handle.to_token_stream(),
        name: signature.ident.unraw().to_string(),
        lifetime,
        generics: Generics::default(),
        parameters,
        binding: binding(args, errors),
        product: Product::Foreign(Box::new(product)),
        construct: Construct {
            expression,
            form: if signature.asyncness.is_some() { Form::Async } else { Form::Sync },
            place,
        },
        dispose: None,
    }
}

/// `T` of `T` or `Result<T, E>`; the result is seen by its name.
fn product(signature: &Signature, errors: &mut Errors) -> Type {
    let nothing = syn::parse_quote!(());
    let ReturnType::Type(_, ty) = &signature.output else {
        errors.on(&signature.ident, "a provider returns what it makes: `-> T` or `-> Result<T, E>`");
        return nothing;
    };
    let mut made = plain(ty);
    if last_segment(made).is_some_and(|segment| segment.ident == "Result") {
        let Some(value) = generic_argument(made) else {
            errors.on(ty, "hostkit must see what is made: write `Result<T, E>` with its type");
            return nothing;
        };
        made = value;
    }
    let reason = match made {
        Type::Tuple(tuple) if tuple.elems.is_empty() => "a provider returns what it makes, and this is nothing",
        Type::Never(_) => "a provider returns what it makes, and this never returns",
        Type::Reference(_) => "a provider hands over what it makes, so it cannot return a reference",
        Type::ImplTrait(_) => "others ask for it by its type: return a type with a name",
        Type::TraitObject(_) => "return the type that implements the trait, and say `as = dyn Trait`",
        _ => return made.clone(),
    };
    errors.at(place(made), reason);
    nothing
}
