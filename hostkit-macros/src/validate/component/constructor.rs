//! A component with a constructor: an inherent `impl` block with `new` and perhaps `dispose`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, ReceiverKind, ReturnType, Type};

use super::{binding, not_for_types};
use crate::args::Args;
use crate::errors::Errors;
use crate::input::{Function, Implementation};
use crate::model::{Call, Component, Construct, Dispose, Form, Kind, Product, last_segment, ours, place, plain};
use crate::put::With;
use crate::validate::parameters::injected;
use crate::validate::shape;

/// Reads the block and takes hostkit's helper attributes from the parameters of `new`.
pub(crate) fn constructor(
    block: &mut Implementation,
    lifetime: &'static str,
    args: &Args,
    errors: &mut Errors,
) -> Component {
    not_for_types(args, &block.generics, errors);
    let subject = plain(&block.subject).clone();
    if !matches!(subject, Type::Path(_)) {
        errors.on(&subject, "a component is a struct or an enum of yours");
    }
    let name = subject.to_token_stream().to_string().replace(' ', "");
    let path = path(&subject);
    let (parameters, construct) = match block.function_mut("new") {
        Some(new) => {
            let parameters = new_function(new, &subject.to_token_stream(), errors);
            let arguments = parameters
                .iter()
                .map(|parameter| With(|tokens: &mut TokenStream| parameter.argument(Call::Async, tokens)));
            let form = if new.signature.asyncness.is_some() { Form::Async } else { Form::Sync };
            let place = ours(new.name().span());
            let expression = quote_spanned!(place=> #path::new(#(#arguments),*));
            (parameters, Construct { expression, form, place })
        }
        None => {
            errors.on(&subject, format!("the `impl` block of a component has its constructor, `fn new(…) -> {name}`"));
            (Vec::new(), Construct { expression: quote!(), form: Form::Sync, place: Span::call_site() })
        }
    };
    let dispose = block.function_mut("dispose").map(|dispose| dispose_function(dispose, path.clone(), errors));
    Component {
        subject: subject.to_token_stream(),
        name,
        lifetime,
        generics: block.generics.clone(),
        parameters,
        binding: binding(args, errors),
        product: Product::Own,
        construct,
        dispose,
    }
}

/// The type before `::new`; one with arguments stands in angle brackets there.
fn path(subject: &Type) -> TokenStream {
    match last_segment(subject) {
        Some(segment) if segment.arguments.is_empty() => quote!(#subject),
        _ => quote!(<#subject>),
    }
}

fn new_function(new: &mut Function, subject: &TokenStream, errors: &mut Errors) -> Vec<crate::model::Parameter> {
    let signature = &mut new.signature;
    shape::callable(signature, "a constructor", errors);
    shape::concrete(signature, "a constructor", errors);
    if let Some(receiver) = signature.receiver() {
        errors.on(receiver, "`new` makes the component, so there is no `self` yet");
    }
    if let ReturnType::Default = signature.output {
        errors.on(&signature.ident, "`new` returns `Self` or `Result<Self, E>`");
    }
    injected(signature, 0, Kind::Component, Some(subject), errors)
}

fn dispose_function(dispose: &Function, path: TokenStream, errors: &mut Errors) -> Dispose {
    let signature = &dispose.signature;
    shape::callable(signature, "`dispose`", errors);
    shape::concrete(signature, "`dispose`", errors);
    shape::returns(&signature.output, "`dispose`", shape::MaySay::Nothing, errors);
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Value) => {}
        Some(first) => errors.on(first, "`dispose` ends the component, so it takes `self` by value"),
        None => errors.on(&signature.ident, "`dispose` ends the component, so it takes `self` by value"),
    }
    let mut further = signature.inputs.iter().skip(1);
    let outcome = further.next();
    if let Some(FnArg::Typed(outcome)) = outcome
        && let Type::Reference(_) = plain(&outcome.ty)
    {
        errors.on(&outcome.ty, "the outcome is taken by value: `outcome: Outcome`");
    }
    for parameter in further {
        errors.on(parameter, "`dispose` takes `self` and the `Outcome`, nothing else; what it needs the component has");
    }
    Dispose {
        path,
        is_async: signature.asyncness.is_some(),
        outcome: outcome.map(|outcome| match outcome {
            FnArg::Typed(outcome) => ours(place(&outcome.ty)),
            FnArg::Receiver(receiver) => ours(receiver.self_token.span),
        }),
        place: ours(signature.ident.span()),
    }
}
