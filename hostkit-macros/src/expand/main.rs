//! `main!()`, and the attribute for a `main` with a body

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::link::links;
use crate::args::main::MainArgs;
use crate::errors::Errors;
use crate::input::{Function, Item};
use crate::model::ours;
use crate::put::With;
use crate::validate::main::{UserMain, user_main};

/// `hostkit::main!()`: the program whose `main` has an empty body.
pub(crate) fn function_like(args: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = MainArgs::parse(args, &mut errors);
    let program = program(&args, &quote!(__hk::Setup::none()));
    errors.after(program)
}

/// The attribute on `fn main(host: &mut HostBuilder)`.
pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = MainArgs::parse(args, &mut errors);
    let mut function = match errors.keep(Item::parse(item.clone())) {
        Some(Item::Function(function)) => function,
        None => return errors.after(item),
        Some(other) => {
            errors.at(Span::call_site(), format!("this attribute goes on `fn main`, and this is {}", other.what()));
            return errors.after(item);
        }
    };
    let mut faults = Errors::default();
    let form = user_main(&function.signature, &mut faults);
    let expanded = if faults.is_empty() {
        let name = rename(&mut function);
        let program = program(&args, &setup(form, &name));
        quote!(#function #program)
    } else {
        // An empty `main` saves the complaint that there is none.
        rename(&mut function);
        quote!(#function fn main() {})
    };
    errors.absorb(faults);
    errors.after(expanded)
}

/// The user's function makes room for the generated `main`, which calls it.
fn rename(function: &mut Function) -> Ident {
    let name = Ident::new("hostkit_main", ours(function.name().span()));
    function.signature.ident = name.clone();
    name
}

fn setup(form: UserMain, name: &Ident) -> TokenStream {
    // Another parameter is shown on its type, and another result on its own.
    let host = form.host.map(|place| Ident::new("host", ours(place)));
    let pattern = host.as_ref().map_or_else(|| quote!(_), ToTokens::to_token_stream);
    let call = quote!(super::#name(#host));
    let place = ours(form.output);
    let (form, called) = if form.is_async {
        (quote_spanned!(place=> __hk::Setup::asynchronous), quote!(__hk::Box::pin(#call)))
    } else {
        (quote_spanned!(place=> __hk::Setup::plain), call)
    };
    quote_spanned!(place=> #form(|#pattern| #called))
}

/// The generated `main`, the links, and the test that checks the wiring.
fn program(args: &MainArgs, setup: &TokenStream) -> TokenStream {
    let links = links(&args.hostkit, &args.linked);
    let crates = args.linked.crates.iter().map(ToString::to_string);
    let flavor = Ident::new(if args.current_thread { "CurrentThread" } else { "MultiThread" }, Span::call_site());
    let worker_threads = match args.worker_threads {
        Some(threads) => {
            let threads = proc_macro2::Literal::usize_unsuffixed(threads);
            quote!(__hk::Some(#threads))
        }
        None => quote!(__hk::None),
    };
    let hostkit = &args.hostkit;
    let import = With(|tokens: &mut TokenStream| hostkit.import(tokens));
    // Cargo sets it for binaries, of which a package may have several.
    let name = if std::env::var_os("CARGO_BIN_NAME").is_some() { "CARGO_BIN_NAME" } else { "CARGO_PKG_NAME" };
    quote! {
        fn main() -> #hostkit::__private::ExitCode {
            #hostkit::__private::main(&hostkit_wiring::PROGRAM, hostkit_wiring::setup())
        }
        mod hostkit_wiring {
            #import
            pub(super) static PROGRAM: __hk::Program = __hk::Program {
                name: ::core::env!(#name),
                version: ::core::env!("CARGO_PKG_VERSION"),
                linked: &[#(#crates),*],
                runtime: __hk::Runtime { flavor: __hk::Flavor::#flavor, worker_threads: #worker_threads },
            };
            pub(super) fn setup() -> __hk::Setup {
                #setup
            }
            #[cfg(test)]
            #[::core::prelude::v1::test]
            fn the_wiring_is_whole() {
                __hk::check_wiring(&PROGRAM, setup());
            }
        }
        #links
    }
}
