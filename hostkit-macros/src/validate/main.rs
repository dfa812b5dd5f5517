//! The user's `main`.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{FnArg, ReturnType, Signature, Type};

use super::shape;
use crate::errors::Errors;
use crate::model::{place, plain};

/// How the generated `main` calls the user's.
#[derive(Clone, Copy)]
pub(crate) struct UserMain {
    pub(crate) is_async: bool,
    /// The type of its parameter, if it has one.
    pub(crate) host: Option<Span>,
    /// Its result.
    pub(crate) output: Span,
}

/// Reads `fn main(host: &mut HostBuilder)`.
pub(crate) fn user_main(signature: &Signature, errors: &mut Errors) -> UserMain {
    if signature.ident != "main" {
        errors.on(&signature.ident, "this attribute goes on `fn main`");
    }
    shape::not_const(signature, "`main`", errors);
    shape::callable(signature, "`main`", errors);
    shape::concrete(signature, "`main`", errors);
    shape::returns(&signature.output, "`main`", shape::MaySay::Nothing, errors);
    let mut inputs = signature.inputs.iter();
    let first = inputs.next();
    if let Some(first) = first {
        match first {
            FnArg::Typed(typed) if matches!(plain(&typed.ty), Type::Reference(host) if host.mutability.is_some()) => {}
            _ => errors.on(
                first.to_token_stream(),
                "`main` takes the host that is being built: `host: &mut hostkit::HostBuilder`",
            ),
        }
    }
    for further in inputs {
        errors.on(further, "`main` takes the host that is being built and nothing else; what runs goes into services");
    }
    let host = first.map(|first| match first {
        FnArg::Typed(typed) => place(&typed.ty),
        FnArg::Receiver(receiver) => receiver.self_token.span,
    });
    let output = match &signature.output {
        ReturnType::Type(_, ty) => place(ty),
        ReturnType::Default => signature.ident.span(),
    };
    UserMain { is_async: signature.asyncness.is_some(), host, output }
}
