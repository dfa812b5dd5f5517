//! Tokens written straight to where they belong.
//!
//! `quote!` makes a stream of its own each time, and a stream that is put into another one is copied through the compiler.
//! For the small pieces of an expansion, of which there are hundreds in a crate, that was a fifth of what the macros took.
//! The large flat texts are `quote!` all the same, with the pieces as [`With`].

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};

/// A piece that `quote!` interpolates, written by a closure.
pub(crate) struct With<F>(pub(crate) F);

impl<F: Fn(&mut TokenStream)> ToTokens for With<F> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        (self.0)(tokens);
    }
}

/// `put!(tokens, place => code)`: as `quote_spanned!`, at the end of these tokens. It has no repetitions and no literals.
macro_rules! put {
    ($tokens:expr, $place:expr => $($code:tt)*) => {{
        let tokens: &mut ::proc_macro2::TokenStream = $tokens;
        let place: ::proc_macro2::Span = $place;
        $crate::put::one!(tokens place $($code)*);
    }};
}

/// Takes one token tree off the front.
macro_rules! one {
    ($tokens:ident $place:ident) => {};
    ($tokens:ident $place:ident # $value:ident $($rest:tt)*) => {
        ::quote::ToTokens::to_tokens(&$value, $tokens);
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident ($($inner:tt)*) $($rest:tt)*) => {
        $crate::put::group($tokens, $place, ::proc_macro2::Delimiter::Parenthesis, |_inner| {
            $crate::put::one!(_inner $place $($inner)*);
        });
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident [$($inner:tt)*] $($rest:tt)*) => {
        $crate::put::group($tokens, $place, ::proc_macro2::Delimiter::Bracket, |_inner| {
            $crate::put::one!(_inner $place $($inner)*);
        });
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident {$($inner:tt)*} $($rest:tt)*) => {
        $crate::put::group($tokens, $place, ::proc_macro2::Delimiter::Brace, |_inner| {
            $crate::put::one!(_inner $place $($inner)*);
        });
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident $lifetime:lifetime $($rest:tt)*) => {
        ::quote::ToTokens::to_tokens(&::syn::Lifetime::new(stringify!($lifetime), $place), $tokens);
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident _ $($rest:tt)*) => {
        $crate::put::word($tokens, $place, "_");
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident $word:ident $($rest:tt)*) => {
        $crate::put::word($tokens, $place, stringify!($word));
        $crate::put::one!($tokens $place $($rest)*);
    };
    ($tokens:ident $place:ident $sign:tt $($rest:tt)*) => {
        $crate::put::sign($tokens, $place, stringify!($sign));
        $crate::put::one!($tokens $place $($rest)*);
    };
}
pub(crate) use {one, put};

/// One identifier or keyword.
pub(crate) fn word(tokens: &mut TokenStream, place: Span, word: &str) {
    tokens.append(Ident::new(word, place));
}

/// One sign of one or more characters.
pub(crate) fn sign(tokens: &mut TokenStream, place: Span, sign: &str) {
    let mut characters = sign.chars().peekable();
    while let Some(character) = characters.next() {
        let spacing = if characters.peek().is_some() { Spacing::Joint } else { Spacing::Alone };
        let mut punct = Punct::new(character, spacing);
        punct.set_span(place);
        tokens.append(punct);
    }
}

/// What stands in brackets.
pub(crate) fn group(tokens: &mut TokenStream, place: Span, delimiter: Delimiter, inner: impl FnOnce(&mut TokenStream)) {
    let mut content = TokenStream::new();
    inner(&mut content);
    let mut group = Group::new(delimiter, content);
    group.set_span(place);
    tokens.append(TokenTree::Group(group));
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Span, TokenStream};
    use quote::quote;

    use super::With;

    #[test]
    fn what_is_put_is_what_would_be_quoted() {
        let name = quote!(a::b);
        let mut tokens = TokenStream::new();
        put!(&mut tokens, Span::call_site() => const _: fn(&#name) -> [u8; N] = |x| -> _ { async move { <X as 'static>::y(x).z } };);
        let quoted = quote!(const _: fn(&#name) -> [u8; N] = |x| -> _ { async move { <X as 'static>::y(x).z } };);
        assert_eq!(tokens.to_string(), quoted.to_string());
    }

    #[test]
    fn a_piece_is_written_in_its_place() {
        let piece = With(|tokens: &mut TokenStream| put!(tokens, Span::call_site() => b, c));
        assert_eq!(quote!([a, #piece]).to_string(), quote!([a, b, c]).to_string());
    }
}
