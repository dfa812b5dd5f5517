//! `jobs counts`.
//!
//! As JSON: `{ "kinds": [{ "kind": "mail", "waiting": 3, "running": 1, "done": 120, "dead": 2, "quarantined": 0,
//! "cancelled": 0 }] }`.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::job::json;
use super::moment::one_line;
use crate::cli::list::Form;
use crate::cli::stdout;
use crate::cli::table::aligned;
use crate::program::{Failure, say};
use crate::store::{Counts, State, Store};

/// A column for the kind and one for each state.
const COLUMNS: usize = 1 + State::ALL.len();

#[derive(Debug, serde::Serialize)]
struct Counted<'a> {
    kinds: Vec<Kind<'a>>,
}

/// The jobs of one kind.
#[derive(Debug)]
struct Kind<'a>(&'a Counts);

impl Serialize for Kind<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(COLUMNS))?;
        map.serialize_entry("kind", &*self.0.kind)?;
        for state in State::ALL {
            map.serialize_entry(state.name(), &self.0.of(state))?;
        }
        map.end()
    }
}

pub(super) async fn counts(store: &dyn Store, form: Form) -> Result<(), Failure> {
    let counts = store.counts().await?;
    match form {
        Form::Json => stdout::print(&json(&Counted { kinds: counts.iter().map(Kind).collect() })),
        Form::Table if counts.is_empty() => {
            say("no jobs");
            Ok(())
        }
        Form::Table => stdout::print(&table(&counts)),
    }
}

fn table(counts: &[Counts]) -> String {
    let row = |first: String, of: &dyn Fn(State) -> String| -> [String; COLUMNS] {
        let mut cells = std::iter::once(first).chain(State::ALL.map(of));
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    };
    let head = row("KIND".to_owned(), &|state| state.name().to_uppercase());
    let kinds = counts.iter().map(|counts| row(one_line(&counts.kind), &|state| counts.of(state).to_string()));
    aligned(std::iter::once(head).chain(kinds))
}
