//! Tokens in, tokens and mistakes out. What the compiler makes of an expansion, the UI tests say.

mod arguments;
mod components;
mod expansions;
mod functions;
mod items;
mod places;
mod program;
mod snapshots;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::expand;

/// The text as tokens.
fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("the test's own tokens do not lex: {error}\n{text}"))
}

/// The expansion of one attribute.
fn expand(attribute: &str, args: &str, item: &str) -> TokenStream {
    let expand = match attribute {
        "background_service" => expand::background_service::expand,
        "periodic" => expand::periodic::expand,
        "queued" => expand::queued::expand,
        "on_start" => expand::hook::on_start,
        "on_started" => expand::hook::on_started,
        "on_stopping" => expand::hook::on_stopping,
        "on_stopped" => expand::hook::on_stopped,
        "singleton" => expand::component::singleton,
        "scoped" => expand::component::scoped,
        "transient" => expand::component::transient,
        "options" => expand::options::expand,
        "health_check" => expand::health_check::expand,
        "program" => expand::main::attribute,
        _ => panic!("no attribute `{attribute}`"),
    };
    expand(tokens(args), tokens(item))
}

/// The messages of the `compile_error!`s, in their order.
fn mistakes(expansion: TokenStream) -> Vec<String> {
    placed_mistakes(expansion).into_iter().map(|(message, _)| message).collect()
}

/// The same, each with the first token of the place it is shown at.
fn placed_mistakes(expansion: TokenStream) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut place = None;
    for token in expansion {
        match token {
            TokenTree::Ident(ident) => place = (ident == "compile_error").then(|| ident.span()),
            TokenTree::Group(group) => match place.take() {
                Some(place) if group.delimiter() == Delimiter::Brace => {
                    let message = syn::parse2::<syn::LitStr>(group.stream()).map(|text| text.value());
                    let message = message.unwrap_or_else(|error| panic!("compile_error! of something else: {error}"));
                    found.push((message, place.source_text().unwrap_or_default()));
                }
                _ => found.extend(placed_mistakes(group.stream())),
            },
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    found
}

/// Each expected text is part of one mistake, in order, and there are no others.
fn assert_mistakes(attribute: &str, args: &str, item: &str, expected: &[&str]) {
    let found = mistakes(expand(attribute, args, item));
    let all_there =
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, part)| found.contains(part));
    assert!(all_there, "#[{attribute}({args})] {item}\nexpected {expected:#?}\nfound {found:#?}");
}

/// The expansion has no mistakes and contains all of these, whatever the white space.
fn assert_contains(expansion: &TokenStream, parts: &[&str]) {
    assert_eq!(mistakes(expansion.clone()), Vec::<String>::new(), "{expansion}");
    let text = expansion.to_string();
    for part in parts {
        assert!(
            squeezed(&text).contains(&squeezed(part)),
            "`{part}` is not in
{text}"
        );
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
