//! `config sample`: a `hostkit.toml` with everything in it and nothing set.
#![cfg_attr(not(feature = "cli"), allow(dead_code, reason = "`config sample` is a command"))]

use std::fmt::Write as _;

use super::host;
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
    /// The value without configuration, as TOML.
    Default(String),
    /// It may be left out; an example as TOML, or empty.
    Optional(String),
    /// Without it the host does not start.
    Required,
}

impl SampleSection {
    /// A section that an `#[options]` struct reads.
    pub(crate) fn of_options(section: &str, description: &str, fields: &[Field]) -> Self {
        let key = |field: &Field| SampleKey {
            name: field.name.to_owned(),
            description: field.description.to_owned(),
            value: if field.optional { SampleValue::Optional(String::new()) } else { SampleValue::Required },
        };
        Self {
            section: section.to_owned(),
            description: description.to_owned(),
            keys: fields.iter().map(key).collect(),
        }
    }
}

impl From<Setting> for SampleValue {
    /// What an attribute says holds until it is configured.
    fn from(setting: Setting) -> Self {
        Self::Default(match setting {
            Setting::Text(text) => quoted(text),
            Setting::Integer(number) => number.to_string(),
            Setting::Flag(flag) => flag.to_string(),
        })
    }
}

/// A sample with the given sections after `[host]`. All keys are commented out, so it is valid as it is and changes
/// nothing.
pub(crate) fn sample(sections: &[SampleSection]) -> String {
    let key = |&(name, default, description): &(&str, &str, &str)| SampleKey {
        name: name.to_owned(),
        description: description.to_owned(),
        value: SampleValue::Default(default.to_owned()),
    };
    let host = SampleSection {
        section: "host".to_owned(),
        description: "The host itself.".to_owned(),
        keys: host::KEYS.iter().map(key).collect(),
    };
    let mut text = String::from(
        "# hostkit.toml: remove the `#` in front of what you want to change.\n\
         # hostkit.<environment>.toml, environment variables such as HOSTKIT__HOST__STOP_TIMEOUT=40s and\n\
         # --set host.stop_timeout=40s override it, in this order.\n",
    );
    for section in std::iter::once(&host).chain(sections) {
        text.push('\n');
        comment(&mut text, &section.description);
        let name: Vec<_> = section.section.split('.').map(bare).collect();
        let _ = writeln!(text, "[{}]", name.join("."));
        for key in &section.keys {
            comment(&mut text, &key.description);
            let name = bare(&key.name);
            let _ = match &key.value {
                SampleValue::Default(value) => writeln!(text, "#{name} = {value}"),
                SampleValue::Optional(example) if example.is_empty() => writeln!(text, "#{name} =    # optional"),
                SampleValue::Optional(example) => writeln!(text, "#{name} = {example}    # optional"),
                SampleValue::Required => writeln!(text, "#{name} =    # required"),
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
