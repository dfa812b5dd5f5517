//! The arguments of `main` and `link!`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::{Ident, Lit, LitStr, Path};

use super::raw::{Raw, RawValue, Tokens, arguments, split};
use super::{literal, suggest};
use crate::errors::Errors;
use crate::paths::Hostkit;

const KNOWN: [&str; 4] = ["link", "flavor", "worker_threads", "crate"];
const FLAVORS: [&str; 2] = ["multi_thread", "current_thread"];

/// What `main` is asked to do.
#[derive(Default)]
pub(crate) struct MainArgs {
    pub(crate) hostkit: Hostkit,
    pub(crate) linked: Linked,
    pub(crate) current_thread: bool,
    pub(crate) worker_threads: Option<usize>,
}

/// The library crates to link.
#[derive(Default)]
pub(crate) struct Linked {
    pub(crate) crates: Vec<Ident>,
    pub(crate) own: OwnLibrary,
}

/// The library of the same package.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) enum OwnLibrary {
    /// Found by the package's name.
    #[default]
    Found,
    /// `link(self = name)`
    Named(Ident),
    /// `link(self = none)`
    Not,
}

impl MainArgs {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut seen = Vec::new();
        let mut threads_at = None;
        for Raw { name, value } in split(tokens, "link(crate_a)", errors) {
            let text = name.unraw().to_string();
            if seen.contains(&text) {
                errors.at(name.span(), format!("`{text}` is given twice"));
                continue;
            }
            match (text.as_str(), value) {
                ("link", RawValue::List(list)) => args.linked = Linked::parse(list, errors),
                ("link", _) => errors.at(name.span(), "`link` has the crates in parentheses: `link(crate_a, crate_b)`"),
                ("flavor", RawValue::Is(value)) => args.current_thread = flavor(value, errors),
                ("worker_threads", RawValue::Is(value)) => {
                    threads_at = Some(name.span());
                    args.worker_threads = worker_threads(&value, errors);
                }
                ("crate", RawValue::Is(value)) => args.hostkit = hostkit(value, errors),
                ("flavor" | "worker_threads" | "crate", _) => {
                    errors.at(name.span(), format!("`{text}` needs a value: `{text} = …`"));
                }
                _ => {
                    let meant = suggest::hint(&text, KNOWN);
                    errors.at(
                        name.span(),
                        format!("unknown option `{text}`{meant} (`main` takes {})", literal::listed(&KNOWN)),
                    );
                }
            }
            seen.push(text);
        }
        if let (true, Some(place)) = (args.current_thread, threads_at) {
            errors.at(place, "the current-thread runtime has no worker threads");
        }
        args
    }
}

impl Linked {
    /// `crate_a, crate_b, self = name`
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut linked = Self::default();
        for argument in arguments(tokens) {
            match argument.as_slice() {
                [TokenTree::Ident(me), TokenTree::Punct(equals), TokenTree::Ident(name)] if me == "self" && equals.as_char() == '=' => {
                    linked.own = if name == "none" { OwnLibrary::Not } else { OwnLibrary::Named(name.clone()) };
                }
                [TokenTree::Ident(name)] if name != "self" && name != "crate" && name != "super" => {
                    if linked.crates.contains(name) {
                        errors.at(name.span(), format!("`{name}` is linked twice"));
                    } else {
                        linked.crates.push(name.clone());
                    }
                }
                _ => errors.on(Tokens(&argument), "name a crate as in Rust code (`crate_a`), or the package's own library with `self = name` or `self = none`"),
            }
        }
        linked
    }
}

fn flavor(value: TokenStream, errors: &mut Errors) -> bool {
    match syn::parse2::<LitStr>(value.clone()) {
        Ok(text) => {
            if let Err(message) = literal::one_of(&text.value(), &FLAVORS) {
                errors.on(&text, format!("`flavor`: {message}"));
            }
            text.value() == "current_thread"
        }
        Err(_) => {
            errors.on(
                value,
                "`flavor` takes a word in quotes: `flavor = \"multi_thread\"` or `flavor = \"current_thread\"`",
            );
            false
        }
    }
}

fn worker_threads(value: &TokenStream, errors: &mut Errors) -> Option<usize> {
    let number = match syn::parse2::<Lit>(value.clone()) {
        Ok(Lit::Int(number)) => number.base10_parse::<usize>().ok().filter(|number| *number >= 1),
        _ => None,
    };
    if number.is_none() {
        errors.on(value, "`worker_threads` takes a whole number, at least 1: `worker_threads = 4`");
    }
    number
}

fn hostkit(value: TokenStream, errors: &mut Errors) -> Hostkit {
    match syn::parse2::<LitStr>(value.clone()).and_then(|text| text.parse_with(Path::parse_mod_style)) {
        Ok(path) => Hostkit::at(&path),
        Err(_) => {
            errors.on(value, "`crate` takes the path of hostkit in quotes: `crate = \"hostkit\"`");
            Hostkit::default()
        }
    }
}

/// The names of `link!(crate_a, crate_b)`, of which none may be missing.
pub(crate) fn link(tokens: TokenStream, errors: &mut Errors) -> (Hostkit, Linked) {
    let (mut options, mut names) = (Hostkit::default(), TokenStream::new());
    for argument in arguments(tokens) {
        match argument.as_slice() {
            [TokenTree::Ident(word), TokenTree::Punct(equals), value @ ..]
                if word == "crate" && equals.as_char() == '=' =>
            {
                options = hostkit(value.iter().cloned().collect(), errors);
            }
            argument => {
                names.extend(argument.iter().cloned());
                names.extend(quote::quote!(,));
            }
        }
    }
    let linked = Linked::parse(names, errors);
    if linked.crates.is_empty() && linked.own == OwnLibrary::Found && errors.is_empty() {
        errors.at(Span::call_site(), "which crates? `hostkit::link!(crate_a, crate_b)`");
    }
    (options, linked)
}
