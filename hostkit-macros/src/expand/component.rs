//! `#[singleton]`, `#[scoped]`, `#[transient]`

mod construct;
mod generics;
mod node;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
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
            let mut faults = Errors::default();
            let component = structure(&mut of, lifetime, &args, &mut faults);
            let mut expansion = of.unless_taken(before, item);
            register(component, &args, cfgs(&of.attrs), faults, &mut errors, &mut expansion);
            expansion
        }
        Some(Item::Implementation(mut of)) if of.of_trait.is_none() => {
            let before = of.attributes();
            only_one_attribute(&mut of.attributes, attribute, &mut errors);
            let mut faults = Errors::default();
            let component = constructor(&mut of, lifetime, &args, &mut faults);
            let mut expansion = of.unless_taken(before, item);
            register(component, &args, cfgs(&of.attributes), faults, &mut errors, &mut expansion);
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
                let mut faults = Errors::default();
                let component = provider(&mut function, &handle.ident, lifetime, &args, &mut faults);
                let mut expansion = function.unless_taken(function.written, item);
                declare(&handle, &mut expansion);
                register(component, &args, &handle.cfgs, faults, &mut errors, &mut expansion);
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
fn register<'c>(
    component: Component,
    args: &Args,
    cfgs: impl IntoIterator<Item = &'c Attribute>,
    faults: Errors,
    errors: &mut Errors,
    tokens: &mut TokenStream,
) {
    let mut component = component.without_detours();
    let right = faults.is_empty();
    errors.absorb(faults);
    // Nothing that stands for a component with a lifetime could be one either.
    let hopeless = !right && component.generics.lifetimes().next().is_some();
    if !right {
        component.parameters.clear();
        component.binding.traits.clear();
        component.dispose = None;
        component.construct.form = Form::Never;
    }
    let content = |tokens: &mut TokenStream| {
        if !hopeless {
            node::node(&component, tokens);
            construct::construct(&component, tokens);
        }
        if right {
            node::submitted(&component, tokens);
        }
    };
    block(&args.hostkit(), cfgs, content, tokens);
}
