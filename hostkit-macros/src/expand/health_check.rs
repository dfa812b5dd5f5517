//! `#[health_check]`: its options are read, the rest comes with a later stage.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use super::handle::declare;
use super::service::free_function;
use crate::args::Args;
use crate::args::table::HEALTH_CHECK;
use crate::errors::Errors;
use crate::validate::service::handle;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &HEALTH_CHECK, &mut errors);
    let mut function = match free_function(item, HEALTH_CHECK.attribute, &mut errors) {
        Ok(function) => function,
        Err(item) => return errors.after(item),
    };
    errors.at(Span::call_site(), "`#[health_check]` comes with the service-defaults stage");
    function.drop_helpers(&mut errors);
    let mut expansion = function.to_token_stream();
    declare(&handle(&function, &args), &mut expansion);
    errors.after(expansion)
}
