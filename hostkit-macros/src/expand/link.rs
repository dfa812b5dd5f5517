//! `link!` and the linking that `main` does: a crate that no code names is left out by the compiler, with all that it
//! registers.

use std::path::Path;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::registered::block;
use crate::args::main::{Linked, OwnLibrary, link};
use crate::errors::Errors;
use crate::model::ours;
use crate::paths::Hostkit;

/// `hostkit::link!(crate_a, crate_b)`
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (hostkit, mut linked) = link(tokens, &mut errors);
    if linked.own == OwnLibrary::Found {
        // Only `main` looks for the package's own library.
        linked.own = OwnLibrary::Not;
    }
    let links = links(&hostkit, &linked);
    errors.after(links)
}

/// The block that names the crates. A crate that was asked for must register something, so it is registered itself; the
/// package's own library, found without being asked for, need not.
pub(super) fn links(hostkit: &Hostkit, linked: &Linked) -> TokenStream {
    let (found, named) = match &linked.own {
        OwnLibrary::Named(name) => (None, Some(name)),
        OwnLibrary::Not => (None, None),
        OwnLibrary::Found => (own_library().filter(|own| !linked.crates.contains(own)), None),
    };
    let asked: Vec<&Ident> = named.into_iter().chain(&linked.crates).collect();
    let found = found.map(|found| quote!(const _: () = { extern crate #found as _; };));
    let content = asked.iter().map(|name| {
        let text = name.to_string();
        // A crate that is not there is shown on its name.
        let linked = quote_spanned!(ours(name.span())=> extern crate #name as _;);
        quote! {
            #linked
            __hk::linked!(#text);
        }
    });
    let content: TokenStream = content.collect();
    let mut links = quote!(#found);
    if !asked.is_empty() {
        block(hostkit, [], |tokens: &mut TokenStream| tokens.extend(content.clone()), &mut links);
    }
    links
}

/// The library beside this binary, if the compiler was given it.
fn own_library() -> Option<Ident> {
    let root = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    let manifest = std::fs::read_to_string(Path::new(&root).join("Cargo.toml")).unwrap_or_default();
    let name = library_name(&manifest).or_else(|| std::env::var("CARGO_PKG_NAME").ok())?.replace('-', "_");
    let given = is_given(&name, std::env::args());
    (given && syn::parse_str::<Ident>(&name).is_ok()).then(|| Ident::new(&name, Span::call_site()))
}

/// `name` of `[lib]`, by a scan that knows just enough of TOML for it.
fn library_name(manifest: &str) -> Option<String> {
    let mut lines = manifest.lines().map(str::trim);
    lines.find(|line| {
        line.split('#').next().is_some_and(|line| line.split_whitespace().collect::<String>() == "[lib]")
    })?;
    let keys = lines.take_while(|line| !line.starts_with('['));
    let mut names = keys.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().strip_prefix(['"', '\''])?;
        (key.trim() == "name").then(|| value.split(['"', '\'']).next().unwrap_or_default().to_owned())
    });
    names.next()
}

/// Whether the compiler's arguments contain `--extern name`. Long command lines come in files.
fn is_given(name: &str, arguments: impl Iterator<Item = String>) -> bool {
    let mut after_extern = false;
    for argument in arguments {
        if let Some(file) = argument.strip_prefix('@') {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if is_given(name, text.lines().map(str::to_owned)) {
                return true;
            }
        }
        let value = if after_extern { Some(argument.as_str()) } else { argument.strip_prefix("--extern=") };
        // `priv,noprelude:name=path`
        let given = value.and_then(|value| value.split('=').next()).and_then(|value| value.rsplit(':').next());
        if given == Some(name) {
            return true;
        }
        after_extern = argument == "--extern";
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{is_given, library_name};

    #[test]
    fn the_library_is_named_by_its_section_only() {
        assert_eq!(
            library_name("[package]\nname = \"app\"\n[lib]\npath = \"x\"\n name= 'core' # main part\n").as_deref(),
            Some("core")
        );
        assert_eq!(library_name("[package]\nname = \"app\"\n[lib]\n[dependencies]\nname = \"1\""), None);
        assert_eq!(library_name("[package]\nname = \"app\"\n[[bin]]\nname = \"x\""), None);
    }

    #[test]
    fn a_library_is_linked_only_if_the_compiler_was_given_it() {
        let check = |arguments: &str| is_given("app", arguments.split(' ').map(str::to_owned));
        assert!(check("rustc --extern serde=a --extern app=libapp.rmeta"));
        assert!(check("rustc --extern=priv,noprelude:app=libapp.rmeta"));
        assert!(check("rustc --extern app"));
        assert!(!check("rustc --crate-name app --extern apps=x"));
    }
}
