//! The options in an attribute's brackets: split, looked up in the attribute's table and checked on their literals.

pub(crate) mod literal;
pub(crate) mod main;
mod raw;
pub(crate) mod suggest;
pub(crate) mod table;

use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Lit, LitBool, LitInt, LitStr, Path, Type};

pub(crate) use raw::{Raw, RawValue, Tokens, arguments, place, split};
use table::{Opt, Table, Takes};

use crate::errors::Errors;
use crate::paths::Hostkit;
use crate::put::put;

/// The options that were given and are right, and the names of those that are not.
pub(crate) struct Args {
    given: Vec<Given>,
    mentioned: Vec<(String, Span)>,
    /// What a misspelt name was probably meant to be.
    meant: Vec<(String, Span)>,
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
        let mut args = Self { given: Vec::new(), mentioned: Vec::new(), meant: Vec::new() };
        for Raw { name, value } in raws {
            let span = name.span();
            let text = name.unraw().to_string();
            let Some(option) = table.find(&text) else {
                errors.at(span, unknown(&text, table));
                args.meant.extend(suggest::nearest(&text, table.names()).map(|meant| (meant.to_owned(), span)));
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

    /// Where the option stands, even if its value is wrong or its name misspelt.
    pub(crate) fn place(&self, name: &str) -> Option<Span> {
        self.mentioned.iter().chain(&self.meant).find(|(mentioned, _)| mentioned == name).map(|(_, span)| *span)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|given| given.option.name == name).map(|given| &given.value)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&LitStr> {
        if let Some(Value::Text(text)) = self.value(name) { Some(text) } else { None }
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        if let Some(Value::Integer(integer)) = self.value(name) { Some(*integer) } else { None }
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

    /// The options that configuration may override, in the order of the attribute.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let settings = self.given.iter().filter(|given| given.option.takes.configurable()).filter_map(|given| {
            let key = LitStr::new(given.option.name, given.span);
            let (form, value) = match &given.value {
                Value::Text(text) => ("Text", Lit::Str(text.clone())),
                Value::Integer(integer) => ("Integer", Lit::new(Literal::i64_unsuffixed(*integer))),
                Value::Flag(flag) => ("Flag", Lit::Bool(LitBool::new(*flag, Span::call_site()))),
                Value::Path(path) => {
                    let path = path.to_token_stream().to_string().replace(' ', "");
                    ("Text", Lit::Str(LitStr::new(&path, Span::call_site())))
                }
                Value::Word | Value::Ident(_) | Value::Paths(_) | Value::Types(_) => return None,
            };
            Some(Setting { key, form, value })
        });
        settings.collect()
    }
}

/// One option that configuration may override: its pair in the registration.
#[derive(Clone)]
pub(crate) struct Setting {
    key: LitStr,
    form: &'static str,
    value: Lit,
}

impl ToTokens for Setting {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { key, form, value } = self;
        let form = Ident::new(form, Span::call_site());
        put!(tokens, Span::call_site() => (#key, __hk::Setting::#form(#value)));
    }
}

fn unknown(name: &str, table: &Table) -> String {
    let names: Vec<&str> = table.names().collect();
    let meant = suggest::hint(name, names.iter().copied());
    format!("unknown option `{name}`{meant} (`#[{}]` takes {})", table.attribute, literal::listed(&names))
}

/// The value of one option, or what is wrong with it, on the value.
fn read(option: &Opt, name: &Ident, value: RawValue) -> syn::Result<Value> {
    let Opt { name: key, takes } = *option;
    match (takes, value) {
        (Takes::Durable, RawValue::Absent) if cfg!(not(feature = "durable")) => Err(syn::Error::new(
            name.span(),
            "durable functions need the feature `sqlite` of hostkit, or `durable` for `memory://` alone",
        )),
        (Takes::Word | Takes::Durable, RawValue::Absent) => Ok(Value::Word),
        (Takes::Word | Takes::Durable, RawValue::Is(value) | RawValue::List(value)) => {
            let message = format!("`{key}` stands alone, without a value");
            Err(syn::Error::new_spanned(place(name, &value), message))
        }
        (takes, RawValue::Is(value)) if !value.is_empty() => Written { key, takes, value: &value }.read(),
        (takes, _) => {
            let message = format!("`{key}` needs a value: `{key} = {}`", takes.example());
            Err(syn::Error::new(name.span(), message))
        }
    }
}

/// What stands on the right of an equals sign.
struct Written<'v> {
    key: &'static str,
    takes: Takes,
    value: &'v TokenStream,
}

impl Written<'_> {
    fn read(&self) -> syn::Result<Value> {
        match self.takes {
            Takes::Duration(zero) => {
                self.text("a duration in quotes", |text| literal::duration(text, zero).map(drop)).map(Value::Text)
            }
            Takes::Limit => self.text("a duration in quotes, or \"none\"", literal::limit).map(Value::Text),
            Takes::Rate => self.text("a count and a time in quotes", literal::rate).map(Value::Text),
            Takes::Range => self.text("one or two durations in quotes", literal::range).map(Value::Text),
            Takes::Cron => self.text("a cron expression in quotes", literal::cron).map(Value::Text),
            Takes::OneOf(words) => self.text("a word in quotes", |text| literal::one_of(text, words)).map(Value::Text),
            Takes::Name => self.text("a name in quotes", literal::name).map(Value::Text),
            Takes::Text | Takes::Key => self.text("text in quotes", not_empty).map(Value::Text),
            Takes::Crate => {
                let path = self.text("the path of hostkit in quotes", not_empty)?;
                self.or_wrong(path.parse_with(Path::parse_mod_style), "the path of hostkit in quotes").map(Value::Path)
            }
            Takes::Integer { least } => self.integer(least).map(Value::Integer),
            Takes::Number { least, most } => match self.integer(least)? {
                integer if integer <= most => Ok(Value::Integer(integer)),
                integer => {
                    let message = format!("`{}` is at most {most}, this is {integer}", self.key);
                    Err(syn::Error::new_spanned(self.value, message))
                }
            },
            Takes::Flag | Takes::Code => match self.literal() {
                Some(Lit::Bool(flag)) => Ok(Value::Flag(flag.value)),
                _ => Err(self.wrong("`true` or `false`")),
            },
            Takes::Ident => self.or_wrong(syn::parse2(self.value.clone()), "one identifier").map(Value::Ident),
            Takes::Function => {
                let path = Path::parse_mod_style.parse2(self.value.clone());
                self.or_wrong(path, "the path of a function").map(Value::Path)
            }
            Takes::KeyFunction => {
                self.or_wrong(syn::parse2(self.value.clone()), "the path of a function").map(Value::Path)
            }
            Takes::Services => self
                .or_wrong(list(self.value, Path::parse_mod_style), "the functions that come first")
                .map(Value::Paths),
            Takes::Traits => {
                self.or_wrong(list(self.value, Type::parse), "one trait or a list of them").map(Value::Types)
            }
            Takes::Word | Takes::Durable => Ok(Value::Word),
        }
    }

    fn text(&self, what: &str, check: impl Fn(&str) -> Result<(), String>) -> syn::Result<LitStr> {
        let Some(Lit::Str(text)) = self.literal() else { return Err(self.wrong(what)) };
        match check(&text.value()) {
            Ok(()) => Ok(text),
            Err(message) => Err(syn::Error::new_spanned(&text, format!("`{}`: {message}", self.key))),
        }
    }

    /// The value, if it is one literal.
    fn literal(&self) -> Option<Lit> {
        syn::parse2(self.value.clone()).ok()
    }

    fn integer(&self, least: i64) -> syn::Result<i64> {
        match integer(self.value) {
            Some(integer) if integer >= least => Ok(integer),
            Some(integer) => {
                let message = format!("`{}` is at least {least}, this is {integer}", self.key);
                Err(syn::Error::new_spanned(self.value, message))
            }
            None => Err(self.wrong("a whole number")),
        }
    }

    /// A parser's complaint says less than what the option takes.
    fn or_wrong<T>(&self, parsed: syn::Result<T>, what: &str) -> syn::Result<T> {
        parsed.map_err(|_unspecific| self.wrong(what))
    }

    fn wrong(&self, what: &str) -> syn::Error {
        let Self { key, takes, value } = self;
        syn::Error::new_spanned(value, format!("`{key}` takes {what}: `{key} = {}`", takes.example()))
    }
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("this is empty".into()) } else { Ok(()) }
}

/// A number that fits the registration.
fn integer(value: &TokenStream) -> Option<i64> {
    let parser = |input: ParseStream<'_>| {
        let minus: Option<syn::Token![-]> = input.parse()?;
        let digits: LitInt = input.parse()?;
        let sign = if minus.is_some() { "-" } else { "" };
        format!("{sign}{}", digits.base10_digits()).parse().map_err(|_large| input.error("too large"))
    };
    parser.parse2(value.clone()).ok()
}

/// `a`, or `[a, b]`.
fn list<T>(value: &TokenStream, item: fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    let tokens: Vec<_> = value.clone().into_iter().collect();
    let items = match tokens.as_slice() {
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::Bracket => arguments(group.stream()),
        _ => vec![tokens],
    };
    items.into_iter().map(|tokens| item.parse2(tokens.into_iter().collect())).collect()
}
