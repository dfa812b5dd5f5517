//! `#[health_check]`: its options are read, the rest comes with a later stage.

use proc_macro2::{Span, TokenStream};
use quote::quote;

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
    let declared = declare(&handle(&function, &args));
    errors.after(quote!(#function #declared))
}
