//! `#[options]` structs as components: singletons whose value is a section of the configuration.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Bound, Configuration};
use crate::component::{Built, Component, Field, Form, Recipe};
use crate::error::Problem;

impl Recipe {
    /// A struct bound from a section, and what else it says of its values.
    pub const fn options<T: Component + DeserializeOwned + Validate>(
        section: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self::of_options::<T>(Form::Options { section, fields, bind: bind::<T> })
    }
}

/// The `validate` of an `#[options]` struct; without one it finds nothing.
pub trait Validate {
    /// The problems with these values, one sentence each.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The list that a user's `validate` function returns.
pub fn problems(list: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    list.into_iter().map(Into::into).collect()
}

fn bind<T: Component + DeserializeOwned + Validate>(
    configuration: &Configuration,
    section: &'static str,
) -> Result<Built, Vec<Problem>> {
    if configuration.wiring_only {
        // No fault, and no value either: nothing that could ask for it is built.
        return Err(Vec::new());
    }
    let Bound { value, warnings } = configuration.bind::<T>(section)?;
    for warning in warnings {
        tracing::warn!(target: "hostkit::config", "{warning}");
    }
    let faults = value.problems();
    if faults.is_empty() {
        return Ok(Arc::new(value));
    }
    let source = T::NODE.read().source;
    let problem = |fault: String| {
        let problem = Problem::new(format!("section [{section}] is refused: {fault}"));
        origins(configuration, section, &fault)
            .into_iter()
            .fold(problem, Problem::at)
            .at(format!("checked by `{}`, declared at {source}", T::NODE.read().name))
    };
    Err(faults.into_iter().map(problem).collect())
}

/// Where the keys were set that the user's own sentence mentions in backticks.
fn origins(configuration: &Configuration, section: &str, fault: &str) -> Vec<String> {
    let mut mentioned: Vec<_> = fault.split('`').skip(1).step_by(2).collect();
    mentioned.dedup();
    let origin = |key: &str| {
        let node = configuration.root.at(&format!("{section}.{key}"))?;
        Some(format!("`{key}` is {}", node.origin.detail()))
    };
    mentioned.into_iter().filter_map(origin).collect()
}
