//! `config sample`: what there is to configure in this program.
//!
//! It is made from what is registered and not from a host, because a program that lacks its configuration cannot build
//! one, and is the one whose author wants a sample.

use std::collections::BTreeMap;

use crate::component::Form;
use crate::config::{SampleKey, SampleSection, reference, sample};
use crate::host::Registered;
use crate::queue::TaskQueue;
use crate::registry::ServiceEntry;

pub(super) fn render(registered: &Registered) -> String {
    let mut sections: Vec<_> = bound(registered).into_values().collect();
    let mut services = registered.services();
    // By attribute, and the names are sorted.
    services.sort_by_key(|(_, entry)| entry.kind.attribute());
    sections.extend(services.into_iter().map(|(name, entry)| section(name, entry)));
    sample(&sections)
}

/// The sections that the program's own options structs read.
fn bound(registered: &Registered) -> BTreeMap<&'static str, SampleSection> {
    let mut sections = BTreeMap::new();
    for node in registered.components() {
        if let Form::Options { section, fields, .. } = node.recipe.form {
            let description = format!("Read by `{}`, {}.", node.name, node.source);
            sections.insert(section, SampleSection::of_options(section, &description, fields));
        }
    }
    sections
}

/// The section of one function, with what its attribute says as the defaults.
fn section(name: &str, entry: &ServiceEntry) -> SampleSection {
    let attribute = entry.kind.attribute();
    let said = |option: &str| entry.options.iter().find(|(key, _)| *key == option).map(|(_, setting)| *setting);
    let keys =
        reference(entry.kind.options()).iter().map(|option| SampleKey::of_option(option, said(option.name))).collect();
    let is_built_in = std::ptr::eq(entry, TaskQueue::ENTRY);
    let section = if is_built_in { name.to_owned() } else { format!("{attribute}.{name}") };
    SampleSection { section, description: entry.description.to_owned(), keys }
}
