//! Binds a section to a user's type.
//!
//! # Invariants
//!
//! 1. An error is located once, by the innermost value that serde was reading when it arose.
//! 2. A key that a struct passes over is noted, with what the struct would have taken.
//! 3. Where a text is wanted, a value that was plain text is handed over as it was written.
//! 4. A [`Duration`] is written as text, as in hostkit's own sections; a table of seconds and nanoseconds is still one.
//! 5. What a [`Secret`](super::Secret) was read from is noted and appears in no message.

use std::cell::RefCell;
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::secret::{self, MASK};
use super::settings::{DURATION_HELP, Shown, unknown_key_help};
use super::tree::{Node, Table, Value, same};
use super::{Configuration, Origin, suggest};
use crate::error::Problem;
use crate::time;

/// What a section was bound to.
#[derive(Debug)]
pub(crate) struct Bound<T> {
    pub(crate) value: T,
    /// Unknown keys, unless `strict` makes them errors.
    pub(crate) warnings: Vec<Problem>,
}

impl Configuration {
    /// Binds a section, dotted or not, to a user's type. A section that is not there is an empty one.
    ///
    /// # Errors
    ///
    /// The first fault that serde finds, and unknown keys if the configuration is strict. The list is **empty** where
    /// the fault follows from one that [`load`](Self::load) reported: a value is missing, and some file is unreadable.
    pub(crate) fn bind<T: DeserializeOwned>(&self, section: &str) -> Result<Bound<T>, Vec<Problem>> {
        let empty = Node { value: Value::Table(Table::default()), origin: Origin::Default, layer: 0, written: None };
        let node = self.root.at(section).unwrap_or(&empty);
        if node.table().is_none() {
            let problem =
                Problem::new(format!("`{section}` is {}, not a section", node.kind())).at(node.origin.detail());
            return Err(vec![problem.help(format!("write a section [{section}]"))]);
        }
        let notes = Notes::default();
        let cursor = Cursor { node, path: section.to_owned(), secret: false, fields: &[], notes: &notes };
        let bound = T::deserialize(&cursor).map_err(|error| error.locate(&cursor));
        let Notes { secrets, ignored } = notes;
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).extend(secrets.into_inner());
        let mut ignored = ignored.into_inner();
        ignored.retain(|ignored| !self.declares(&ignored.path));
        let unknown: Vec<_> =
            ignored.iter().map(|ignored| unknown_key(&ignored.path, &ignored.origin, ignored.fields)).collect();
        match bound {
            Ok(value) if !self.strict => Ok(Bound { value, warnings: unknown }),
            Ok(value) if unknown.is_empty() => Ok(Bound { value, warnings: unknown }),
            Ok(_) => Err(unknown),
            Err(error) if self.incomplete && matches!(error.0.fault, Fault::Missing(_)) => Err(Vec::new()),
            Err(error) => {
                let mut problems = vec![error.problem(section, &ignored)];
                problems.extend(unknown.into_iter().filter(|_| self.strict));
                Err(problems)
            }
        }
    }

    /// Whether the path is, or leads to, a section that another type reads.
    fn declares(&self, path: &str) -> bool {
        self.declared.iter().any(|section| {
            let (start, rest) = section.split_at_checked(path.len()).unwrap_or_default();
            same(start, path) && (rest.is_empty() || rest.starts_with('.'))
        })
    }
}

#[derive(Debug, Default)]
struct Notes {
    secrets: RefCell<Vec<String>>,
    ignored: RefCell<Vec<Ignored>>,
}

#[derive(Debug)]
struct Ignored {
    path: String,
    origin: Origin,
    fields: &'static [&'static str],
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

fn unknown_key(path: &str, origin: &Origin, known: &'static [&'static str]) -> Problem {
    let (section, key) = split(path);
    let problem = Problem::new(format!("section [{section}] has no option `{key}`")).at(origin.detail());
    unknown_key_help(problem, key, known.iter().copied())
}

/// A value that serde reads, and where it stands.
struct Cursor<'a> {
    node: &'a Node,
    path: String,
    /// Inside a [`Secret`](super::Secret), or under a key that is one.
    secret: bool,
    /// The fields of the struct that is being read around it.
    fields: &'static [&'static str],
    notes: &'a Notes,
}

impl<'a> Cursor<'a> {
    fn shown(&self) -> Option<String> {
        match &self.node.value {
            Value::Array(_) | Value::Table(_) => None,
            _ if self.secret => Some(MASK.to_owned()),
            _ => Some(Shown { key: split(&self.path).1, node: self.node }.to_string()),
        }
    }

    fn element(&self, index: usize, node: &'a Node) -> Self {
        Self { node, path: format!("{}[{index}]", self.path), secret: self.secret, fields: &[], notes: self.notes }
    }

    fn entry(&self, key: &str, node: &'a Node, fields: &'static [&'static str]) -> Self {
        let path = format!("{}.{key}", self.path);
        Self { node, path, secret: self.secret || secret::is_secret_key(key), fields, notes: self.notes }
    }

    fn entries(&self, table: &'a Table, fields: &'static [&'static str]) -> Entries<'a> {
        let named = table.named_after(fields).into_iter();
        let cursors: Vec<_> = named.map(|(key, node)| (self.entry(&key, node, fields), key)).collect();
        Entries { rest: cursors.into_iter(), value: None }
    }

    fn text<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, BindError> {
        // Invariant 3.
        match &self.node.written {
            Some(written) => visitor.visit_str(written),
            None => self.deserialize_any(visitor),
        }
    }
}

impl<'de> Deserializer<'de> for &Cursor<'_> {
    type Error = BindError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        match &self.node.value {
            Value::Text(text) | Value::Moment(text) => visitor.visit_str(text),
            // Few visitors take the wider ones, so the narrowest is offered.
            Value::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_i128(*number),
            },
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::Array(nodes) => {
                let cursors: Vec<_> = nodes.iter().enumerate().map(|(index, node)| self.element(index, node)).collect();
                let mut elements = Elements { rest: cursors.iter() };
                let value = visitor.visit_seq(&mut elements)?;
                if elements.rest.len() > 0 {
                    return Err(de::Error::invalid_length(nodes.len(), &"fewer elements"));
                }
                Ok(value)
            }
            Value::Table(table) => visitor.visit_map(self.entries(table, &[])),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        self.text(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        if name != secret::MARKER {
            return visitor.visit_newtype_struct(self);
        }
        // Invariant 5.
        self.notes.secrets.borrow_mut().push(self.path.clone());
        let hidden = Cursor { secret: true, path: self.path.clone(), ..*self };
        visitor.visit_newtype_struct(&hidden).map_err(|error| error.locate(&hidden))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        match (&self.node.value, fields) {
            (Value::Table(table), _) => visitor.visit_map(self.entries(table, fields)),
            // How `toml::value::Datetime` asks for itself.
            (Value::Moment(text), [field]) if name.starts_with("$__toml_private") => {
                visitor.visit_map(MapDeserializer::new(std::iter::once((*field, text.as_str()))))
            }
            // Invariant 4: how a duration asks for itself.
            (value, ["secs", "nanos"]) if name == "Duration" => {
                let duration = duration(value)?;
                let parts = [("secs", duration.as_secs()), ("nanos", duration.subsec_nanos().into())];
                visitor.visit_map(MapDeserializer::new(parts.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Table(table) if table.iter().count() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(self.entries(table, variants)))
            }
            Value::Table(_) => Err(de::Error::custom("is a table, expected one with a single key: the variant")),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        // Invariant 2.
        let ignored = Ignored { path: self.path.clone(), origin: self.node.origin.clone(), fields: self.fields };
        self.notes.ignored.borrow_mut().push(ignored);
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }
}

/// A duration of the user's, written like those of hostkit.
fn duration(value: &Value) -> Result<Duration, BindError> {
    let reason = match value {
        Value::Text(text) => match time::parse_duration(text) {
            Ok(duration) => return Ok(duration),
            Err(error) => error.to_string(),
        },
        _ => String::new(),
    };
    Err(Fault::NoDuration(reason).into())
}

struct Elements<'c, 'a> {
    rest: std::slice::Iter<'c, Cursor<'a>>,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = BindError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, BindError> {
        let Some(cursor) = self.rest.next() else { return Ok(None) };
        seed.deserialize(cursor).map(Some).map_err(|error| error.locate(cursor))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'a> {
    rest: std::vec::IntoIter<(Cursor<'a>, String)>,
    value: Option<Cursor<'a>>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = BindError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, BindError> {
        let Some((cursor, key)) = self.rest.next() else { return Ok(None) };
        let key = seed.deserialize(Key(key)).map_err(|error| error.locate(&cursor))?;
        self.value = Some(cursor);
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, BindError> {
        let Some(cursor) = self.value.take() else { return Err(de::Error::custom("was asked for before its key")) };
        seed.deserialize(&cursor).map_err(|error| error.locate(&cursor))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A key, which is a number if a number is wanted: a map may be keyed by ports.
struct Key(String);

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
            match self.0.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key {
    type Error = BindError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        StringDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    numbers! {
        deserialize_bool visit_bool
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
    }

    forward_to_deserialize_any! {
        u128 i128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// What serde found, and where.
///
/// Boxed, because serde hands it through every layer of the types that it builds.
#[derive(Debug)]
pub(super) struct BindError(Box<Found>);

#[derive(Debug)]
struct Found {
    fault: Fault,
    place: Option<Place>,
}

#[derive(Debug)]
enum Fault {
    Missing(&'static str),
    UnknownKey(&'static [&'static str]),
    UnknownVariant(String, &'static [&'static str]),
    Mismatch {
        found: String,
        expected: String,
    },
    /// With the reason, if there is one to add.
    NoDuration(String),
    Other(String),
}

#[derive(Debug)]
struct Place {
    path: String,
    origin: Origin,
    kind: &'static str,
    /// As messages show it; none of what has values inside.
    value: Option<String>,
    secret: bool,
}

impl BindError {
    /// Invariant 1: only the first location counts.
    fn locate(mut self, cursor: &Cursor<'_>) -> Self {
        self.0.place.get_or_insert_with(|| Place {
            path: cursor.path.clone(),
            origin: cursor.node.origin.clone(),
            kind: cursor.node.kind(),
            value: cursor.shown(),
            secret: cursor.secret,
        });
        self
    }

    fn problem(self, section: &str, ignored: &[Ignored]) -> Problem {
        let Found { fault, place } = *self.0;
        let Some(place) = place else { return Problem::new(format!("section [{section}] {fault}")) };
        let subject = match place.path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) {
            Some(key) => format!("`{key}` of section [{section}]"),
            None => format!("section [{section}]"),
        };
        let located = |message: String| {
            let problem = Problem::new(message);
            if place.origin == Origin::Default { problem } else { problem.at(place.origin.detail()) }
        };
        match fault {
            Fault::Missing(field) => missing(field, &place, ignored),
            Fault::UnknownKey(known) => unknown_key(&place.path, &place.origin, known),
            Fault::UnknownVariant(word, known) => {
                let words: Vec<_> = known.iter().map(|word| format!("\"{word}\"")).collect();
                let shown = if place.secret { MASK } else { &word };
                let problem = located(format!("{subject} is none of {}: `{shown}`", words.join(", ")));
                match suggest(&word, known.iter().copied()) {
                    Some(meant) => problem.help(format!("did you mean \"{meant}\"?")),
                    None => problem,
                }
            }
            Fault::Mismatch { expected, .. } if place.secret => {
                located(format!("{subject} is {}, expected {expected}", place.kind))
            }
            // The user's own words may quote the value.
            Fault::Other(_) | Fault::NoDuration(_) if place.secret => {
                located(format!("{subject} is refused")).at("the reason is hidden, because it may quote the secret")
            }
            Fault::NoDuration(reason) => {
                let value = place.value.as_ref().map(|value| format!(": `{value}`")).unwrap_or_default();
                let problem = located(format!("{subject} is not a duration{value}"));
                let problem = if reason.is_empty() { problem } else { problem.at(reason) };
                problem.help(DURATION_HELP)
            }
            // As hostkit's own options are refused: the value, its place, the reason.
            Fault::Other(reason) if place.value.is_some() => {
                let value = place.value.as_deref().unwrap_or_default();
                located(format!("{subject} is refused: `{value}`")).at(secret::mask(&reason))
            }
            fault => located(secret::mask(&format!("{subject} {fault}"))),
        }
    }
}

fn missing(field: &'static str, place: &Place, ignored: &[Ignored]) -> Problem {
    let path = &place.path;
    let problem = Problem::new(format!("section [{path}] has no `{field}`"));
    let problem = if place.origin == Origin::Default {
        problem
    } else {
        problem.at(format!("the section begins at {}", place.origin))
    };
    // A key that is there and that nobody knows may be this one, misspelt.
    let beside = ignored.iter().filter(|ignored| split(&ignored.path).0 == path);
    let near =
        beside.filter(|ignored| suggest(split(&ignored.path).1, [field]).is_some()).min_by_key(|ignored| &ignored.path);
    if let Some(near) = near {
        let key = split(&near.path).1;
        return problem.at(format!("`{key}` is {}", near.origin.detail())).help(format!("did you mean `{field}`?"));
    }
    if path.contains('[') {
        return problem;
    }
    let variable = format!("HOSTKIT__{path}.{field}").replace('.', "__").replace('-', "_").to_uppercase();
    problem.help(format!("set `{field}` in section [{path}] of hostkit.toml, environment variable {variable}, or --set {path}.{field}=<value>"))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "has no `{field}`"),
            Self::UnknownKey(_) => f.write_str("has an unknown key"),
            Self::UnknownVariant(word, _) => write!(f, "has an unknown variant `{word}`"),
            Self::Mismatch { found, expected } => write!(f, "is {found}, expected {expected}"),
            Self::NoDuration(_) => f.write_str("is not a duration"),
            Self::Other(message) => write!(f, "is refused: {message}"),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fault.fmt(f)
    }
}

impl std::error::Error for BindError {}

impl From<Fault> for BindError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(Found { fault, place: None }))
    }
}

impl de::Error for BindError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Fault::Other(message.to_string()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::Mismatch { found: found.to_string(), expected: expected.to_string() }.into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Fault::UnknownVariant(variant.to_owned(), expected).into()
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Fault::UnknownKey(expected).into()
    }

    fn missing_field(field: &'static str) -> Self {
        Fault::Missing(field).into()
    }
}
