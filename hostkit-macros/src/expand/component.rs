//! `#[singleton]`, `#[scoped]`, `#[transient]`

mod construct;
mod generics;
mod node;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Attribute;

use super::handle::declare;
use super::registered::block;
use super::service::free;
use crate::args::Args;
use crate::args::table::{SCOPED, SINGLETON, TRANSIENT, Table};
use crate::errors::Errors;
use crate::input::{Attributed, Item, cfgs, only_one_attribute};
use crate::model::{Component, Form};
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
    let attribute = table.attribute;
    let expanded = match errors.keep(Item::parse(item.clone())) {
        Some(Item::Structure(mut of)) => {
            let before = of.attributes();
            only_one_attribute(&mut of.attrs, attribute, &mut errors);
            let registered = registered(&args, &mut errors, |args, faults| {
                (structure(&mut of, lifetime, args, faults), cfgs(&of.attrs).cloned().collect())
            });
            let mut expansion = of.unless_taken(before, item);
            expansion.extend(registered);
            expansion
        }
        Some(Item::Implementation(mut of)) if of.of_trait.is_none() => {
            let before = of.attributes();
            only_one_attribute(&mut of.attributes, attribute, &mut errors);
            let registered = registered(&args, &mut errors, |args, faults| {
                (constructor(&mut of, lifetime, args, faults), cfgs(&of.attributes).cloned().collect())
            });
            let mut expansion = of.unless_taken(before, item);
            expansion.extend(registered);
            expansion
        }
        Some(Item::Implementation(of_a_trait)) => {
            let place = of_a_trait.of_trait.to_token_stream();
            errors.on(place, format!("`#[{attribute}]` goes on the struct or on its own `impl` block with `new`; say there `as = dyn Trait`"));
            item
        }
        Some(Item::Function(function)) => match free(*function, attribute, &mut errors) {
            Ok(mut function) => {
                let handle = handle(&function, &args);
                let registered = registered(&args, &mut errors, |args, faults| {
                    (provider(&mut function, &handle.ident, lifetime, args, faults), handle.cfgs.clone())
                });
                let mut expansion = function.unless_taken(function.written, item);
                expansion.extend(declare(&handle));
                expansion.extend(registered);
                expansion
            }
            Err(function) => function,
        },
        Some(Item::Other(what)) => {
            let message = format!(
                "`#[{attribute}]` goes on a struct, an `impl` block with `new` or a function, and this is {what}"
            );
            errors.at(Span::call_site(), message);
            item
        }
        None => item,
    };
    errors.after(expanded)
}

/// The block with the node. A component with mistakes gets one that is never built, so that those who ask for it do not
/// get errors as well.
fn registered(
    args: &Args,
    errors: &mut Errors,
    read: impl FnOnce(&Args, &mut Errors) -> (Component, Vec<Attribute>),
) -> TokenStream {
    let mut faults = Errors::default();
    let (component, cfgs) = read(args, &mut faults);
    let mut component = component.without_detours();
    let content = if faults.is_empty() {
        let (node, construct) = (node::node(&component), construct::construct(&component));
        let submitted = node::submitted(&component);
        quote!(#node #construct #submitted)
    } else if component.generics.lifetimes().next().is_some() {
        // Nothing that stands for it could be a component either.
        TokenStream::new()
    } else {
        component.parameters.clear();
        component.binding.traits.clear();
        component.dispose = None;
        component.construct.form = Form::Never;
        let (node, construct) = (node::node(&component), construct::construct(&component));
        quote!(#node #construct)
    };
    errors.absorb(faults);
    block(&args.hostkit(), &cfgs, &content)
}
