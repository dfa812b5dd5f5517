//! Components: structs, `impl` blocks with `new`, functions that make a foreign type.

mod constructor;
mod provider;
mod structure;

use quote::ToTokens;
use syn::{GenericParam, Generics, Type};

pub(crate) use constructor::constructor;
pub(crate) use provider::provider;
pub(crate) use structure::structure;

use crate::args::Args;
use crate::args::literal::{Zero, duration};
use crate::errors::Errors;
use crate::model::{Binding, plain};

/// `as`, `key`, `default` and `timeout`, as far as they do not depend on the item.
fn binding(args: &Args, errors: &mut Errors) -> Binding {
    let mut named = Vec::new();
    let traits = args.types("as").iter().filter(|ty| {
        let text = ty.to_token_stream().to_string();
        if named.contains(&text) {
            errors.on(ty, format!("`{text}` is named twice"));
            return false;
        }
        named.push(text);
        let is_dyn = matches!(plain(ty), Type::TraitObject(object) if object.dyn_token.is_some());
        if !is_dyn {
            errors.on(ty, format!("`as` names traits: `as = dyn {}`", ty.to_token_stream()));
        }
        is_dyn
    });
    Binding {
        traits: traits.cloned().collect(),
        key: args.text("key").cloned(),
        default: args.has("default"),
        timeout_ms: args.text("timeout").and_then(|text| milliseconds(&text.value())),
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let duration = duration(text, Zero::Refused).ok()?;
    u64::try_from(duration.as_millis()).ok().map(|milliseconds| milliseconds.max(1))
}

/// What a struct or an `impl` block cannot have.
fn not_for_types(args: &Args, generics: &Generics, errors: &mut Errors) {
    if let Some(place) = args.place("handle") {
        errors.at(place, "only a function has a handle; a type is its own");
    }
    let generic = !generics.params.is_empty();
    for option in ["as", "key", "default"] {
        let Some(place) = args.place(option) else { continue };
        if generic {
            errors.at(place, format!("a generic component stands for many types and takes no `{option}`"));
        } else if args.place("as").is_none() {
            errors.at(place, format!("`{option}` tells providers of one trait apart: it goes with `as = dyn Trait`"));
        }
    }
    if let Some(lifetime) = generics.params.iter().find(|parameter| matches!(parameter, GenericParam::Lifetime(_))) {
        errors.on(lifetime, "a component owns what it has, so it has no lifetimes");
    }
}
