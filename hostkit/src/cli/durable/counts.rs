//! `jobs counts`.
//!
//! As JSON: `{ "kinds": [{ "kind": "mail", "waiting": 3, "running": 1, "done": 120, "dead": 2, "quarantined": 0,
//! "cancelled": 0 }] }`.

use serde_json::{Map, Value};

use super::job::json;
use super::moment::one_line;
use crate::cli::list::Form;
use crate::cli::stdout;
use crate::cli::table::aligned;
use crate::program::{Failure, say};
use crate::store::{Counts, State, Store};

/// A column for the kind and one for each state.
const COLUMNS: usize = 1 + State::ALL.len();

pub(super) async fn counts(store: &dyn Store, form: Form) -> Result<(), Failure> {
    let counts = store.counts().await?;
    match form {
        Form::Json => {
            let kinds = counts.iter().map(of_kind).collect();
            stdout::print(&json(&Value::Object(Map::from_iter([("kinds".to_owned(), Value::Array(kinds))]))))
        }
        Form::Table if counts.is_empty() => {
            say("no jobs");
            Ok(())
        }
        Form::Table => stdout::print(&table(&counts)),
    }
}

fn of_kind(counts: &Counts) -> Value {
    let states = State::ALL.map(|state| (state.name().to_owned(), counts.of(state).into()));
    let kind = ("kind".to_owned(), Value::from(&*counts.kind));
    Value::Object(std::iter::once(kind).chain(states).collect())
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
