//! `#[singleton]`, `#[scoped]`, `#[transient]`

mod construct;
mod node;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

use super::handle::declare;
use super::registered::block;
use crate::args::Args;
use crate::args::table::{SCOPED, SINGLETON, TRANSIENT, Table};
use crate::errors::Errors;
use crate::input::{Item, only_one_attribute};
use crate::model::{Component, Construct, Form};
use crate::validate::component::{constructor, provider, structure};
use crate::validate::service::handle;

pub(crate) fn singleton(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Singleton", &SINGLETON, args, item)
}

pub(crate) fn scoped(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Scoped", &SCOPED, args, item)
}

pub(crate) fn transient(args: TokenStream, item: TokenStream) -> TokenStream {
    expand("Transient", &TRANSIENT, args, item)
}

fn expand(lifetime: &'static str, table: &Table, args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, table, &mut errors);
    let parsed = errors.keep(Item::parse(item.clone()));
    let attribute = table.attribute;
    let mut faults = Errors::default();
    let expanded = match parsed {
        Some(Item::Structure(mut item)) => {
            only_one_attribute(&mut item.attrs, attribute, &mut errors);
            let component = structure(&mut item, lifetime, &args, &mut faults);
            let registered = registered(&args, &item.attrs, component, &faults);
            quote!(#item #registered)
        }
        Some(Item::Implementation(mut item)) if item.of_trait.is_none() => {
            only_one_attribute(&mut item.attributes, attribute, &mut errors);
            let component = constructor(&mut item, lifetime, &args, &mut faults);
            let registered = registered(&args, &item.attributes, component, &faults);
            quote!(#item #registered)
        }
        Some(Item::Implementation(implementation)) => {
            let of_trait = implementation.of_trait.to_token_stream();
            errors.on(of_trait, format!("`#[{attribute}]` goes on the struct or on its inherent `impl` block with `new`; say there `as = dyn Trait`"));
            item
        }
        Some(Item::Function(_)) => return function(lifetime, &args, attribute, item, errors),
        Some(Item::Other(what)) => {
            errors.at(
                Span::call_site(),
                format!(
                    "`#[{attribute}]` goes on a struct, an `impl` block with `new` or a function, and this is {what}"
                ),
            );
            item
        }
        None => item,
    };
    errors.absorb(faults);
    let errors = errors.tokens();
    quote!(#expanded #errors)
}

/// A provider: the function, its handle, its registration.
fn function(
    lifetime: &'static str,
    args: &Args,
    attribute: &'static str,
    item: TokenStream,
    mut errors: Errors,
) -> TokenStream {
    let Some(mut function) = super::service::free_function(item.clone(), attribute, &mut errors) else {
        let errors = errors.tokens();
        return quote!(#item #errors);
    };
    let handle = handle(&function, args);
    let mut faults = Errors::default();
    let component = provider(&mut function, &handle.ident, lifetime, args, &mut faults);
    let declared = declare(&handle);
    let registered = registered(args, &handle.cfgs, component, &faults);
    errors.absorb(faults);
    let errors = errors.tokens();
    quote!(#function #declared #registered #errors)
}

/// The block with the node; a component with mistakes gets one that is never built, so that those who ask for it do not
/// get errors as well.
fn registered(args: &Args, attributes: &[syn::Attribute], mut component: Component, faults: &Errors) -> TokenStream {
    let broken = !faults.is_empty();
    if broken {
        component.parameters.clear();
        component.binding.traits.clear();
        component.dispose = None;
        component.construct =
            Construct { expression: quote!(::core::unreachable!()), form: Form::Literal, place: Span::call_site() };
    }
    let node = node::node(&component, broken);
    let construct = construct::construct(&component);
    block(&args.hostkit(), crate::input::cfgs(attributes), &quote!(#node #construct))
}
