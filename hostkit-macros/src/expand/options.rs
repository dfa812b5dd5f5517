//! `#[options("section")]`

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Ident, ItemStruct, LitStr, Path};

use super::registered::block;
use crate::args::table::OPTIONS;
use crate::args::{Args, Tokens, arguments};
use crate::errors::Errors;
use crate::input::{Attributed, Item, cfgs, only_one_attribute};
use crate::model::ours;
use crate::validate::options::{Key, keys, section, structure};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (section, args) = parse(args, &mut errors);
    let expanded = match errors.keep(Item::parse(item.clone())) {
        Some(Item::Structure(mut of)) => {
            let before = of.attributes();
            only_one_attribute(&mut of.attrs, OPTIONS.attribute, &mut errors);
            let mut faults = Errors::default();
            structure(&of, &mut faults);
            let mut expansion = of.unless_taken(before, item);
            if faults.is_empty() {
                let content = |tokens: &mut TokenStream| tokens.extend(node(&of, &section, &args));
                block(&args.hostkit(), cfgs(&of.attrs), content, &mut expansion);
            }
            errors.absorb(faults);
            expansion
        }
        Some(other) => {
            errors.at(
                Span::call_site(),
                format!("`#[options]` goes on a struct with named fields, and this is {}", other.what()),
            );
            item
        }
        None => item,
    };
    errors.after(expanded)
}

/// The section's name, then the options of the table.
fn parse(args: TokenStream, errors: &mut Errors) -> (LitStr, Args) {
    let mut arguments = arguments(args).into_iter().peekable();
    let mut name = LitStr::new("", Span::call_site());
    match arguments.peek() {
        Some(first) if !matches!(first.as_slice(), [TokenTree::Ident(_), _, ..]) => {
            match syn::parse2::<LitStr>(first.iter().cloned().collect()) {
                Ok(literal) => {
                    section(&literal, errors);
                    name = literal;
                }
                Err(_) => errors.on(Tokens(first), "the section is text in quotes: `#[options(\"database\")]`"),
            }
            arguments.next();
        }
        _ => errors.at(Span::call_site(), "the section has no name: `#[options(\"database\")]`"),
    }
    let rest = arguments.map(|argument| argument.into_iter().collect::<TokenStream>());
    let args = Args::parse(quote!(#(#rest),*), &OPTIONS, errors);
    (name, args)
}

fn node(item: &ItemStruct, section: &LitStr, args: &Args) -> TokenStream {
    let ident = &item.ident;
    let name = ident.unraw().to_string();
    let fields = keys(item).into_iter().map(|Key { name, description, optional }| {
        quote!(__hk::Field { name: #name, description: #description, optional: #optional })
    });
    let problems = args.path("validate").map(|path| {
        let path = of_the_struct(path, ident);
        // A function of another form is shown on its name.
        let place = path.segments.last().map_or_else(Span::call_site, |last| ours(last.ident.span()));
        let list = quote_spanned!(place=> __hk::problems(#path(self)));
        quote! {
            fn problems(&self) -> __hk::Vec<__hk::String> {
                #list
            }
        }
    });
    quote! {
        static __NODE: __hk::Node = __hk::Node {
            name: #name,
            source: __hk::here(__hk::module_path!()),
            lifetime: __hk::Lifetime::Singleton,
            generic: false,
            edges: &[],
            recipe: __hk::Recipe::options::<#ident>(#section, &[#(#fields),*]),
        };
        impl __hk::Component for #ident {
            const NODE: __hk::NodePtr = __hk::NodePtr::of(&__NODE);
        }
        impl __hk::Validate for #ident {
            #problems
        }
        __hk::submit!(#ident);
    }
}

/// `Self::check` means the struct, as it would in its `impl` blocks.
fn of_the_struct(path: &Path, ident: &Ident) -> Path {
    let mut path = path.clone();
    if let Some(first) = path.segments.first_mut()
        && first.ident == "Self"
    {
        first.ident = ident.clone();
    }
    path
}
