//! The options in an attribute's brackets: split, looked up in the attribute's table and checked on their literals.

pub(crate) mod literal;
pub(crate) mod main;
mod raw;
pub(crate) mod suggest;
pub(crate) mod table;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Lit, LitStr, Path, Type};

pub(crate) use raw::{Raw, RawValue, Tokens, arguments, place, split};
use table::{Opt, Table, Takes};

use crate::errors::Errors;
use crate::paths::Hostkit;

/// The options that were given and are right, and the names of those that are not.
pub(crate) struct Args {
    given: Vec<Given>,
    mentioned: Vec<(String, Span)>,
}

struct Given {
    option: &'static Opt,
    span: Span,
    value: Value,
}

enum Value {
    Text(LitStr),
    Integer(i64),
    Flag(bool),
    Word,
    Ident(Ident),
    Path(Path),
    Paths(Vec<Path>),
    Types(Vec<Type>),
}

impl Args {
    /// Reads the options against the attribute's table. What is wrong is reported and left out.
    pub(crate) fn parse(tokens: TokenStream, table: &Table, errors: &mut Errors) -> Self {
        Self::check(split(tokens, &table.example(), errors), table, errors)
    }

    fn check(raws: Vec<Raw>, table: &Table, errors: &mut Errors) -> Self {
        let mut args = Self { given: Vec::new(), mentioned: Vec::new() };
        for Raw { name, value } in raws {
            let span = name.span();
            let text = name.unraw().to_string();
            let Some(option) = table.find(&text) else {
                errors.at(span, unknown(&text, table));
                continue;
            };
            if args.mentioned.iter().any(|(earlier, _)| *earlier == text) {
                errors.at(span, format!("`{text}` is given twice"));
                continue;
            }
            args.mentioned.push((text, span));
            if let Some(value) = errors.keep(read(option, &name, value)) {
                args.given.push(Given { option, span, value });
            }
        }
        args
    }

    /// Where the option stands, even if its value is wrong.
    pub(crate) fn place(&self, name: &str) -> Option<Span> {
        self.mentioned.iter().find(|(mentioned, _)| mentioned == name).map(|(_, span)| *span)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|given| given.option.name == name).map(|given| &given.value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&LitStr> {
        if let Some(Value::Text(text)) = self.value(name) { Some(text) } else { None }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Word | Value::Flag(true)))
    }

    pub(crate) fn ident(&self, name: &str) -> Option<&Ident> {
        if let Some(Value::Ident(ident)) = self.value(name) { Some(ident) } else { None }
    }

    pub(crate) fn path(&self, name: &str) -> Option<&Path> {
        if let Some(Value::Path(path)) = self.value(name) { Some(path) } else { None }
    }

    pub(crate) fn paths(&self, name: &str) -> &[Path] {
        if let Some(Value::Paths(paths)) = self.value(name) { paths } else { &[] }
    }

    pub(crate) fn types(&self, name: &str) -> &[Type] {
        if let Some(Value::Types(types)) = self.value(name) { types } else { &[] }
    }

    /// `crate = "…"`, or `::hostkit`.
    pub(crate) fn hostkit(&self) -> Hostkit {
        self.path("crate").map_or_else(Hostkit::default, Hostkit::at)
    }

    /// The options that configuration may override, in the order of the attribute, as `(key, Setting)` pairs.
    pub(crate) fn settings(&self) -> Vec<TokenStream> {
        let settings = self.given.iter().filter(|given| given.option.takes.configurable()).map(|given| {
            let key = LitStr::new(given.option.name, given.span);
            match &given.value {
                Value::Text(text) => quote!((#key, __hk::Setting::Text(#text))),
                Value::Integer(integer) => {
                    let integer = proc_macro2::Literal::i64_unsuffixed(*integer);
                    quote!((#key, __hk::Setting::Integer(#integer)))
                }
                Value::Flag(flag) => quote!((#key, __hk::Setting::Flag(#flag))),
                Value::Path(path) => {
                    let path = path.to_token_stream().to_string().replace(' ', "");
                    quote!((#key, __hk::Setting::Text(#path)))
                }
                Value::Word | Value::Ident(_) | Value::Paths(_) | Value::Types(_) => TokenStream::new(),
            }
        });
        settings.collect()
    }
}

fn unknown(name: &str, table: &Table) -> String {
    let names: Vec<&str> =
        table.all().filter(|option| !matches!(option.takes, Takes::Durable)).map(|option| option.name).collect();
    let meant = suggest::hint(name, names.iter().copied());
    format!("unknown option `{name}`{meant} (`#[{}]` takes {})", table.attribute, literal::listed(&names))
}

/// The value of one option, or what is wrong with it, on the value.
fn read(option: &Opt, name: &Ident, value: RawValue) -> syn::Result<Value> {
    let key = option.name;
    match (option.takes, value) {
        (Takes::Durable, _) if key == "durable" => {
            Err(syn::Error::new(name.span(), "durable queues are not built yet"))
        }
        (Takes::Durable, _) => {
            Err(syn::Error::new(name.span(), format!("`{key}` belongs to durable queues, which are not built yet")))
        }
        (Takes::Word, RawValue::Absent) => Ok(Value::Word),
        (Takes::Word, RawValue::Is(value) | RawValue::List(value)) => {
            Err(syn::Error::new_spanned(place(name, &value), format!("`{key}` stands alone, without a value")))
        }
        (takes, RawValue::Is(value)) if !value.is_empty() => read_value(takes, key, value),
        (takes, _) => {
            Err(syn::Error::new(name.span(), format!("`{key}` needs a value: `{key} = {}`", takes.example())))
        }
    }
}

fn read_value(takes: Takes, key: &str, value: TokenStream) -> syn::Result<Value> {
    let wrong = |what: &str| {
        let message = format!("`{key}` takes {what}: `{key} = {}`", takes.example());
        syn::Error::new_spanned(&value, message)
    };
    let text = |what: &str, check: &dyn Fn(&str) -> Result<(), String>| match syn::parse2(value.clone()) {
        Ok(Lit::Str(text)) => match check(&text.value()) {
            Ok(()) => Ok(text),
            Err(message) => Err(syn::Error::new_spanned(&text, format!("`{key}`: {message}"))),
        },
        _ => Err(wrong(what)),
    };
    match takes {
        Takes::Duration(zero) => {
            text("a duration in quotes", &|text| literal::duration(text, zero).map(drop)).map(Value::Text)
        }
        Takes::Range => text("two durations in quotes", &literal::range).map(Value::Text),
        Takes::Cron => text("a cron expression in quotes", &literal::cron).map(Value::Text),
        Takes::OneOf(words) => text("a word in quotes", &|text| literal::one_of(text, words)).map(Value::Text),
        Takes::Name => text("a name in quotes", &literal::name).map(Value::Text),
        Takes::Text | Takes::Key => text("text in quotes", &not_empty).map(Value::Text),
        Takes::Crate => {
            let path = text("the path of hostkit in quotes", &not_empty)?;
            match path.parse_with(Path::parse_mod_style) {
                Ok(path) => Ok(Value::Path(path)),
                Err(_) => Err(wrong("the path of hostkit in quotes")),
            }
        }
        Takes::Integer { least } => match integer(&value) {
            Some(integer) if integer >= least => Ok(Value::Integer(integer)),
            Some(integer) => {
                Err(syn::Error::new_spanned(&value, format!("`{key}` is at least {least}, this is {integer}")))
            }
            None => Err(wrong("a whole number")),
        },
        Takes::Flag | Takes::Code => match syn::parse2(value.clone()) {
            Ok(Lit::Bool(flag)) => Ok(Value::Flag(flag.value)),
            _ => Err(wrong("`true` or `false`")),
        },
        Takes::Ident => syn::parse2(value.clone()).map(Value::Ident).map_err(|_| wrong("one identifier")),
        Takes::Function => {
            Path::parse_mod_style.parse2(value.clone()).map(Value::Path).map_err(|_| wrong("the path of a function"))
        }
        Takes::Services => {
            list(&value, Path::parse_mod_style).map(Value::Paths).map_err(|_| wrong("the functions that come first"))
        }
        Takes::Traits => list(&value, <Type as syn::parse::Parse>::parse)
            .map(Value::Types)
            .map_err(|_| wrong("one trait or a list of them")),
        Takes::Word | Takes::Durable => Ok(Value::Word),
    }
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("this is empty".into()) } else { Ok(()) }
}

/// A number that fits the registration.
fn integer(value: &TokenStream) -> Option<i64> {
    let parser = |input: syn::parse::ParseStream<'_>| {
        let minus: Option<syn::Token![-]> = input.parse()?;
        let digits: syn::LitInt = input.parse()?;
        let sign = if minus.is_some() { "-" } else { "" };
        format!("{sign}{}", digits.base10_digits()).parse().map_err(|_| input.error("too large"))
    };
    parser.parse2(value.clone()).ok()
}

/// `a`, or `[a, b]`.
fn list<T>(value: &TokenStream, item: fn(syn::parse::ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    let tokens: Vec<_> = value.clone().into_iter().collect();
    let items = match tokens.as_slice() {
        [proc_macro2::TokenTree::Group(group)] if group.delimiter() == proc_macro2::Delimiter::Bracket => {
            arguments(group.stream())
        }
        _ => vec![tokens],
    };
    items.into_iter().map(|tokens| item.parse2(tokens.into_iter().collect())).collect()
}
