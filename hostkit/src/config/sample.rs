//! `config sample`: a `hostkit.toml` with everything in it and nothing set.
//!
//! # Invariants
//!
//! 1. A line that begins with `#` and a key is valid when the `#` is removed, and then changes nothing: its value is what
//!    holds anyway. A line that begins with `# ` is for people.
#![cfg_attr(not(feature = "cli"), allow(dead_code, reason = "`config sample` is a command"))]

use std::fmt::Write as _;

use super::reference::{self, Opt, Unset};
use super::show::{bare, quoted};
use crate::component::Field;
use crate::registry::Setting;

/// One section of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SampleSection {
    /// Its dotted name, such as `periodic.cleanup`.
    pub(crate) section: String,
    /// What it is about; may be empty.
    pub(crate) description: String,
    pub(crate) keys: Vec<SampleKey>,
}

/// One key of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SampleKey {
    pub(crate) name: String,
    /// What it is about; may be empty.
    pub(crate) description: String,
    pub(crate) value: SampleValue,
}

/// What stands behind the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SampleValue {
    /// The value that holds without configuration, as TOML.
    Is(String),
    /// No value holds: what one looks like, in words.
    Nothing(String),
}

impl SampleSection {
    /// A section that an `#[options]` struct reads.
    pub(crate) fn of_options(section: &str, description: &str, fields: &[Field]) -> Self {
        let key = |field: &Field| SampleKey {
            name: field.name.to_owned(),
            description: field.description.to_owned(),
            value: SampleValue::Nothing(if field.optional { "may be left out" } else { "required" }.to_owned()),
        };
        Self {
            section: section.to_owned(),
            description: description.to_owned(),
            keys: fields.iter().map(key).collect(),
        }
    }
}

impl SampleKey {
    /// An option of hostkit's own, with what its attribute says.
    pub(crate) fn of_option(option: &Opt, said: Option<Setting>) -> Self {
        let value = match (said, option.unset) {
            (Some(setting), _) => setting.into(),
            (None, Unset::Is(default)) => SampleValue::Is(default.to_owned()),
            (None, Unset::Nothing(form)) => SampleValue::Nothing(form.to_owned()),
        };
        Self { name: option.name.to_owned(), description: option.meaning.to_owned(), value }
    }
}

impl From<Setting> for SampleValue {
    /// What an attribute says holds until it is configured.
    fn from(setting: Setting) -> Self {
        Self::Is(match setting {
            Setting::Text(text) => quoted(text),
            Setting::Integer(number) => number.to_string(),
            Setting::Flag(flag) => flag.to_string(),
        })
    }
}

/// A sample with the given sections after hostkit's own. All keys are commented out, so it is valid as it is and changes
/// nothing.
pub(crate) fn sample(sections: &[SampleSection]) -> String {
    let own = [("host", "The host itself."), ("store", "Where durable jobs are kept.")];
    let own = own.map(|(section, description)| SampleSection {
        section: section.to_owned(),
        description: description.to_owned(),
        keys: reference::options(section).iter().map(|option| SampleKey::of_option(option, None)).collect(),
    });
    // Without their feature there are no stores.
    let own = own.iter().filter(|section| !section.keys.is_empty());
    let mut text = String::from(
        "# hostkit.toml: a line such as `#drain_delay = \"0s\"` shows the value that holds. Remove its `#` to change it.\n\
         # hostkit.<environment>.toml, environment variables such as HOSTKIT__HOST__STOP_TIMEOUT=40s and\n\
         # --set host.stop_timeout=40s override it, in this order.\n",
    );
    for section in own.chain(sections) {
        text.push('\n');
        comment(&mut text, &section.description);
        let name: Vec<_> = section.section.split('.').map(bare).collect();
        let _ = writeln!(text, "[{}]", name.join("."));
        for key in &section.keys {
            comment(&mut text, &key.description);
            let name = bare(&key.name);
            let _ = match &key.value {
                // Invariant 1.
                SampleValue::Is(value) => writeln!(text, "#{name} = {value}"),
                SampleValue::Nothing(form) => writeln!(text, "# {name}: {form}"),
            };
        }
    }
    text
}

fn comment(text: &mut String, description: &str) {
    for line in description.lines() {
        let _ = writeln!(text, "{}", format!("# {}", line.trim()).trim_end());
    }
}
