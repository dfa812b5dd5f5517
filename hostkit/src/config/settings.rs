//! The options of one service or of one of hostkit's own sections, read one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::tree::{Node, Table, Value};
use super::{Item, Origin, secret, suggest};
use crate::error::Problem;
use crate::registry::Setting;
use crate::time::{self, Backoff};

/// What belongs to the source code: names, paths and types.
const NOT_CONFIGURABLE: &[&str] =
    &["name", "crate", "handle", "after", "leftover", "as", "key", "default", "validate", "blocking", "durable"];

/// What a duration looks like.
pub(super) const DURATION_HELP: &str = "write a duration such as \"5m\" or \"1h 30m\"";

/// The options of one item. Getters collect what is wrong instead of failing: [`finish`](Self::finish) lists it.
///
/// A getter returns `None` when the option is unset and when it is faulty.
#[derive(Debug)]
pub(crate) struct Settings {
    subject: Subject,
    values: BTreeMap<String, Node>,
    known: BTreeSet<String>,
    problems: Vec<Problem>,
}

/// How messages call what the options are of.
#[derive(Debug)]
pub(super) enum Subject {
    /// The attribute and the name of an item: "periodic `cleanup`".
    Item(&'static str, &'static str),
    /// A section of hostkit's own.
    Section(&'static str),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(attribute, name) => write!(f, "{attribute} `{name}`"),
            Self::Section(section) => write!(f, "section [{section}]"),
        }
    }
}

impl Settings {
    pub(super) fn new(item: &Item, section: Option<&Table>) -> Self {
        let mut settings = Self::of_section(Subject::Item(item.attribute, item.name), section);
        for key in NOT_CONFIGURABLE {
            if let Some(node) = settings.values.remove(*key) {
                let problem = Problem::new(format!("`{key}` of {} cannot be configured", settings.subject))
                    .at(node.origin.detail());
                settings.problems.push(problem.help("it belongs to the attribute in the source code"));
            }
        }
        for (key, setting) in item.options {
            settings.values.entry((*key).to_owned()).or_insert_with(|| of_attribute(*setting, item));
        }
        settings.known.extend(item.options.iter().map(|(key, _)| (*key).to_owned()));
        settings
    }

    pub(super) fn of_section(subject: Subject, section: Option<&Table>) -> Self {
        let values =
            section.into_iter().flat_map(Table::iter).map(|(key, node)| (key.to_owned(), node.clone())).collect();
        Self { subject, values, known: BTreeSet::new(), problems: Vec::new() }
    }

    /// A duration such as `1h 30m`; zero is one.
    pub(crate) fn duration(&mut self, key: &str) -> Option<Duration> {
        self.parsed(key, "is not a duration", DURATION_HELP, time::parse_duration)
    }

    /// A duration above zero.
    pub(crate) fn period(&mut self, key: &str) -> Option<Duration> {
        let duration = self.duration(key)?;
        if duration.is_zero() {
            self.refuse(key, "is zero", DURATION_HELP);
            return None;
        }
        Some(duration)
    }

    /// A duration above zero, or `"none"`; what holds without either is `default`.
    pub(crate) fn limit(&mut self, key: &str, default: Option<Duration>) -> Option<Duration> {
        if self.word(key, "none") { None } else { self.period(key).or(default) }
    }

    /// Whether this word stands where a value of another kind might.
    pub(crate) fn word(&mut self, key: &str, word: &str) -> bool {
        self.value(key).is_some_and(|node| matches!(&node.value, Value::Text(text) if text == word))
    }

    /// A backoff such as `1s..1m`.
    pub(crate) fn backoff(&mut self, key: &str) -> Option<Backoff> {
        self.parsed(key, "is not a backoff", "write a range such as \"1s..1m\", or one duration", Backoff::parse)
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let node = self.value(key)?;
        let word = match &node.value {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        };
        let found = choices.iter().find(|(choice, _)| *choice == word).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(choice, _)| format!("\"{choice}\"")).collect();
            let (last, first) = words.split_last()?;
            let all = if first.is_empty() { last.clone() } else { format!("{} or {last}", first.join(", ")) };
            let help = match suggest(&word, choices.iter().map(|(choice, _)| *choice)) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => format!("write {all}"),
            };
            self.refuse(key, &format!("is not {all}"), help);
        }
        found
    }

    /// A whole number in a range.
    pub(crate) fn count(&mut self, key: &str, range: RangeInclusive<usize>) -> Option<usize> {
        let node = self.value(key)?;
        let Value::Integer(number) = node.value else {
            self.refuse(
                key,
                "is not a whole number",
                format!("write a number without quotes, such as {}", range.start()),
            );
            return None;
        };
        let count = usize::try_from(number).ok().filter(|count| range.contains(count));
        if count.is_none() {
            let (min, max) = range.into_inner();
            let (what, help) = if max == usize::MAX {
                (format!("is less than {min}"), format!("write a number from {min}"))
            } else {
                (format!("is not between {min} and {max}"), format!("write a number from {min} to {max}"))
            };
            self.refuse(key, &what, help);
        }
        count
    }

    /// A whole number in a range that may lie below zero.
    #[cfg(feature = "durable")]
    pub(crate) fn number(&mut self, key: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let found = match self.value(key)?.value {
            Value::Integer(number) => i64::try_from(number).ok().filter(|number| range.contains(number)),
            _ => None,
        };
        if found.is_none() {
            let (least, most) = range.into_inner();
            let help = format!("write a number from {least} to {most}, without quotes");
            self.refuse(key, &format!("is not a whole number between {least} and {most}"), help);
        }
        found
    }

    /// What a reader of its own makes of a text.
    #[cfg(feature = "durable")]
    pub(crate) fn parse<T, E: fmt::Display>(
        &mut self,
        key: &str,
        what: &str,
        help: &str,
        parse: fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.parsed(key, what, help, parse)
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &str) -> Option<bool> {
        match self.value(key)?.value {
            Value::Flag(flag) => Some(flag),
            _ => {
                self.refuse(key, "is not true or false", "write true or false, without quotes");
                None
            }
        }
    }

    /// Any text.
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        let node = self.value(key)?;
        match (&node.value, &node.written) {
            (Value::Text(_), Some(text)) | (Value::Text(text), None) => Some(text.clone()),
            (_, Some(written)) => Some(written.clone()),
            _ => {
                self.refuse(key, "is not a text", "write it in quotes");
                None
            }
        }
    }

    /// Decides between options that exclude each other, such as `every` and `cron`: the one that was set last stays, and
    /// the others are as if unset. Two that are equally late are a fault.
    ///
    /// Call it before any of them is read.
    pub(crate) fn one_of<'k>(&mut self, keys: &[&'k str]) -> Option<&'k str> {
        self.known.extend(keys.iter().map(|key| (*key).to_owned()));
        let layer = |key: &&str| self.values.get(*key).map(|node| node.layer);
        let latest = keys.iter().filter_map(layer).max()?;
        let (last, earlier): (Vec<&str>, Vec<&str>) =
            keys.iter().filter(|key| self.values.contains_key(**key)).partition(|key| layer(key) == Some(latest));
        if let [first, second, ..] = last[..] {
            let mut problem =
                Problem::new(format!("{} has both `{first}` and `{second}`", self.subject)).help("keep one of them");
            problem.details =
                last.iter().filter_map(|key| Some(format!("`{key}` {}", self.origin(key)?.detail()))).collect();
            self.problems.push(problem);
        }
        let stays = keys.iter().copied().find(|key| last.contains(key));
        for key in earlier.into_iter().chain(last.into_iter().skip(1)) {
            self.values.remove(key);
        }
        stays
    }

    /// All options that are set.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.values.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// Where the value of an option came from.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|node| &node.origin)
    }

    /// Adds a fault that the caller found in the value of an option; `what` continues "`key` of periodic `cleanup`".
    pub(crate) fn refuse(&mut self, key: &str, what: &str, help: impl Into<String>) {
        // It is known by then, if only as one that is not built yet.
        self.known.insert(key.to_owned());
        let mut problem = Problem::new(format!("`{key}` of {} {what}", self.subject)).help(help);
        if let Some(node) = self.values.get(key) {
            problem.message = format!("{}: `{}`", problem.message, Shown { key, node });
            problem = problem.at(node.origin.detail());
        }
        self.problems.push(problem);
    }

    /// Everything that is wrong, unknown keys included. What a getter asked for is known, too.
    pub(crate) fn finish(mut self, known: &[&str]) -> Vec<Problem> {
        self.known.extend(known.iter().map(|key| (*key).to_owned()));
        for (key, node) in &self.values {
            if !self.known.contains(key) {
                let problem = Problem::new(format!("{} has no option `{key}`", self.subject)).at(node.origin.detail());
                let known = self.known.iter().map(String::as_str).filter(|key| !NOT_CONFIGURABLE.contains(key));
                self.problems.push(unknown_key_help(problem, key, known));
            }
        }
        self.problems
    }

    fn value(&mut self, key: &str) -> Option<&Node> {
        // What is known only matters if there is something that may be unknown.
        if self.values.is_empty() {
            return None;
        }
        if !self.known.contains(key) {
            self.known.insert(key.to_owned());
        }
        self.values.get(key)
    }

    fn parsed<T, E: fmt::Display>(
        &mut self,
        key: &str,
        what: &str,
        help: &str,
        parse: fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let reason = match &self.value(key)?.value {
            Value::Text(text) => match parse(text) {
                Ok(value) => return Some(value),
                Err(error) => Some(error.to_string()),
            },
            _ => None,
        };
        self.refuse(key, what, help);
        if let (Some(reason), Some(problem)) = (reason, self.problems.last_mut()) {
            problem.details.push(reason);
        }
        None
    }
}

/// Says which key was meant, or which there are.
pub(super) fn unknown_key_help<'a>(
    problem: Problem,
    key: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    let listed: Vec<_> = known.clone().map(|key| format!("`{key}`")).collect();
    match suggest(key, known) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None if listed.is_empty() => problem,
        None => problem.help(format!("known keys: {}", listed.join(", "))),
    }
}

fn of_attribute(setting: Setting, item: &Item) -> Node {
    let value = match setting {
        Setting::Text(text) => Value::Text(text.to_owned()),
        Setting::Integer(number) => Value::Integer(number.into()),
        Setting::Flag(flag) => Value::Flag(flag),
    };
    // Layers are counted from 1.
    Node { value, origin: Origin::Attribute(item.source), layer: 0, written: None }
}

/// A value inside a message.
pub(super) struct Shown<'a> {
    pub(super) key: &'a str,
    pub(super) node: &'a Node,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node.value {
            _ if secret::is_secret_key(self.key) => f.write_str(secret::MASK),
            Value::Text(text) => f.write_str(&secret::mask(text)),
            _ => f.write_str(&super::show::literal(self.node)),
        }
    }
}
