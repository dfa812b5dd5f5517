//! Structs that are bound from a section of the configuration.

use syn::ext::IdentExt;
use syn::{Attribute, Expr, Fields, ItemStruct, Lit, LitStr, Meta, Token};

use crate::args::literal;
use crate::errors::Errors;
use crate::input::description;

/// One key of the section.
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) optional: bool,
}

/// Sections that hostkit fills itself.
const RESERVED: [&str; 13] = [
    "host",
    "task_queue",
    "store",
    "background_service",
    "periodic",
    "queued",
    "on_start",
    "on_started",
    "on_stopping",
    "on_stopped",
    "health_check",
    "log",
    "config",
];

/// The dotted name of a section that is not hostkit's own.
pub(crate) fn section(section: &LitStr, errors: &mut Errors) {
    let text = section.value();
    if text.trim().is_empty() {
        return errors.on(section, "the section has no name");
    }
    for part in text.split('.') {
        if let Err(message) = literal::name(part) {
            return errors.on(section, message);
        }
    }
    let first = text.split('.').next().unwrap_or_default().replace('-', "_");
    if RESERVED.contains(&first.as_str()) {
        errors.on(section, format!("the section `{first}` is hostkit's own; choose another name"));
    }
}

/// The struct itself: named fields, no parameters.
pub(crate) fn structure(item: &ItemStruct, errors: &mut Errors) {
    if !item.generics.params.is_empty() {
        errors.on(&item.generics.params, "options are one section of the configuration, so they cannot be generic");
    }
    if let Fields::Unnamed(fields) = &item.fields {
        errors.on(fields, "a section has keys, so options have named fields");
    }
}

/// The keys that serde will look for, as its attributes name them.
pub(crate) fn keys(item: &ItemStruct) -> Vec<Key> {
    let container = Serde::of(&item.attrs);
    let keys = item.fields.iter().filter_map(|field| {
        let serde = Serde::of(&field.attrs);
        if serde.skipped {
            return None;
        }
        let ident = field.ident.as_ref()?.unraw().to_string();
        let is_option = crate::model::last_segment(&field.ty).is_some_and(|segment| segment.ident == "Option");
        Some(Key {
            name: serde.rename.unwrap_or_else(|| cased(&ident, container.rename_all.as_deref())),
            description: description(&field.attrs),
            optional: is_option || serde.default || container.default,
        })
    });
    keys.collect()
}

/// What serde's own attributes say, as far as the sample configuration needs it. Mistakes in them are serde's to report.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<String>,
    default: bool,
    skipped: bool,
}

impl Serde {
    fn of(attributes: &[Attribute]) -> Self {
        let mut serde = Self::default();
        let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
        for list in lists {
            let metas = list.parse_args_with(syn::punctuated::Punctuated::<Meta, Token![,]>::parse_terminated);
            for meta in metas.into_iter().flatten() {
                serde.read(&meta);
            }
        }
        serde
    }

    fn read(&mut self, meta: &Meta) {
        let Some(word) = meta.path().get_ident().map(ToString::to_string) else { return };
        match word.as_str() {
            "rename" => self.rename = deserialized(meta),
            "rename_all" => self.rename_all = deserialized(meta),
            "default" => self.default = true,
            // The keys of a flattened struct are not here to be seen.
            "skip" | "skip_deserializing" | "flatten" => self.skipped = true,
            _ => {}
        }
    }
}

/// `rename = "a"`, or `rename(deserialize = "a")`.
fn deserialized(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) => text(&pair.value),
        Meta::List(list) => {
            let pairs = list
                .parse_args_with(syn::punctuated::Punctuated::<syn::MetaNameValue, Token![,]>::parse_terminated)
                .ok()?;
            pairs.iter().find(|pair| pair.path.is_ident("deserialize")).and_then(|pair| text(&pair.value))
        }
        Meta::Path(_) => None,
    }
}

fn text(value: &Expr) -> Option<String> {
    if let Expr::Lit(literal) = value
        && let Lit::Str(text) = &literal.lit
    {
        return Some(text.value());
    }
    None
}

/// serde's `rename_all` of a field, whose words are separated by `_`.
fn cased(field: &str, rule: Option<&str>) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    let pascal: String = field.split('_').map(capital).collect();
    match rule {
        Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => field.to_ascii_uppercase(),
        Some("kebab-case") => field.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => field.to_ascii_uppercase().replace('_', "-"),
        Some("PascalCase") => pascal,
        Some("camelCase") => pascal[..1.min(pascal.len())].to_ascii_lowercase() + pascal.get(1..).unwrap_or_default(),
        _ => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::cased;

    #[test]
    fn keys_are_cased_as_serde_does() {
        let check = |rule, expected| assert_eq!(cased("retry_after", Some(rule)), expected);
        check("lowercase", "retry_after");
        check("UPPERCASE", "RETRY_AFTER");
        check("PascalCase", "RetryAfter");
        check("camelCase", "retryAfter");
        check("kebab-case", "retry-after");
        check("SCREAMING-KEBAB-CASE", "RETRY-AFTER");
    }
}
