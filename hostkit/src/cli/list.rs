//! `list`: every service and hook of the program.
//!
//! The JSON form is for scripts and is kept stable: fields are added and never renamed or removed.
//! ```json
//! {
//!   "program": "orders", "version": "0.1.0", "environment": "production",
//!   "services": [{
//!     "name": "cleanup", "kind": "periodic", "summary": "cron 0 3 * * 1-5 Europe/Zurich", "after": ["migrate"],
//!     "schedule": "at 03:00, Monday to Friday (Europe/Zurich)",
//!     "next": [{ "text": "Sat 2026-11-21 03:00:00 +01:00, in 5h", "time": "2026-11-21T03:00:00+01:00" }],
//!     "stop": "finishes", "description": "Deletes rows nobody needs any more.",
//!     "source": { "file": "src/main.rs", "line": 12, "module": "orders" }
//!   }]
//! }
//! ```
//! `schedule` says in words when a periodic function is due, and is null for everything else. `next` has the next three times of a periodic function, if the host started now; `time` is null for what counts from
//! the start, such as "1h after the start". `kind` is the attribute. `stop` is what happens to a run when the host stops:
//! `"told"` if it takes a token, `"dropped"` at its next await if it is a background service that takes none, `"finishes"`
//! otherwise; it is null for hooks.

use serde::Serialize;

use super::table::aligned;
use crate::component::Want;
use crate::host::{Described, Host};
use crate::program::Program;
use crate::registry::ServiceEntry;

/// How to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

#[derive(Debug, Serialize)]
struct Listing<'a> {
    program: &'a str,
    version: &'a str,
    environment: &'a str,
    services: Vec<Service<'a>>,
}

#[derive(Debug, Serialize)]
struct Service<'a> {
    name: &'a str,
    kind: &'a str,
    summary: &'a str,
    after: &'a [&'a str],
    schedule: Option<&'a str>,
    next: Vec<Next<'a>>,
    stop: Option<&'static str>,
    description: &'a str,
    source: Source<'a>,
}

#[derive(Debug, Serialize)]
struct Next<'a> {
    text: &'a str,
    time: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    file: &'a str,
    line: u32,
    module: &'a str,
}

pub(super) fn render(program: &Program, host: &Host, form: Form) -> String {
    let described = host.described();
    let listing = Listing {
        program: program.name,
        version: program.version,
        environment: host.environment(),
        services: described.iter().map(Service::of).collect(),
    };
    match form {
        Form::Table => listing.table(),
        Form::Json => listing.json(),
    }
}

impl<'a> Service<'a> {
    fn of(described: &'a Described) -> Self {
        let Described { name, entry, summary, after, schedule, upcoming } = described;
        Self {
            name,
            kind: entry.kind.attribute(),
            summary,
            after,
            schedule: schedule.as_deref(),
            next: upcoming.iter().map(|next| Next { text: &next.text, time: next.time.as_deref() }).collect(),
            stop: stop(entry),
            description: entry.description,
            source: Source { file: entry.source.file, line: entry.source.line, module: entry.source.module },
        }
    }
}

fn stop(entry: &ServiceEntry) -> Option<&'static str> {
    let takes_token = entry.edges.iter().any(|edge| matches!(edge.want, Want::Token));
    match (entry.kind.attribute(), entry.kind.stage()) {
        (_, Some(_)) => None,
        (_, None) if takes_token => Some("told"),
        ("background_service", None) => Some("dropped"),
        (_, None) => Some("finishes"),
    }
}

impl Listing<'_> {
    fn json(&self) -> String {
        // Texts and numbers always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn table(&self) -> String {
        let head = ["NAME", "KIND", "SETTINGS", "AFTER", "DECLARED AT", "DESCRIPTION"];
        let rows = self.services.iter().map(|service| {
            let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
            [
                service.name.to_owned(),
                service.kind.to_owned(),
                or_dash(service.summary.to_owned()),
                or_dash(service.after.join(", ")),
                declared(&service.source),
                first_sentence(service.description),
            ]
        });
        aligned(std::iter::once(head.map(ToOwned::to_owned)).chain(rows)) + &self.next_runs()
    }

    /// Every schedule in words and its next times, below the table, or nothing.
    fn next_runs(&self) -> String {
        let head = ["NEXT RUNS", "", "", "", ""];
        let rows = self.services.iter().filter(|service| !service.next.is_empty()).map(|service| {
            let next = |place: usize| service.next.get(place).map(|next| next.text.to_owned()).unwrap_or_default();
            let schedule = service.schedule.unwrap_or_default().to_owned();
            [service.name.to_owned(), schedule, next(0), next(1), next(2)]
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return String::new();
        }
        "\n".to_owned() + &aligned(std::iter::once(head.map(ToOwned::to_owned)).chain(rows))
    }
}

fn declared(source: &Source<'_>) -> String {
    // The path of a file of hostkit's own says nothing to whoever reads this.
    let built_in = source.module.starts_with(concat!(env!("CARGO_PKG_NAME"), "::"));
    if built_in { "built in".to_owned() } else { format!("{}:{}", source.file, source.line) }
}

fn first_sentence(description: &str) -> String {
    let words: Vec<_> = description.split_whitespace().collect();
    let text = words.join(" ");
    text.split_inclusive(". ").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Listing, Next, Service, Source, first_sentence};

    #[test]
    fn the_first_sentence_is_what_ends_with_a_full_stop_and_a_space() {
        for (text, expected) in [
            ("", ""),
            ("Deletes rows", "Deletes rows"),
            ("Deletes rows. Then rests.", "Deletes rows."),
            ("Deletes\n  rows older than 1.5 days. Then rests.", "Deletes rows older than 1.5 days."),
        ] {
            assert_eq!(first_sentence(text), expected);
        }
    }

    #[test]
    fn the_json_shape_is_stable() {
        let listing = Listing {
            program: "orders",
            version: "0.1.0",
            environment: "production",
            services: vec![Service {
                name: "cleanup",
                kind: "periodic",
                summary: "every 1h",
                after: &["migrate"],
                schedule: Some("every 1h from the start on"),
                next: vec![
                    Next { text: "at the start", time: None },
                    Next { text: "Sat 2026-11-21 03:00:00 +01:00, in 5h", time: Some("2026-11-21T03:00:00+01:00") },
                ],
                stop: Some("finishes"),
                description: "Deletes \"rows\".",
                source: Source { file: "src/main.rs", line: 12, module: "orders" },
            }],
        };
        let expected = r#"{
  "program": "orders",
  "version": "0.1.0",
  "environment": "production",
  "services": [
    {
      "name": "cleanup",
      "kind": "periodic",
      "summary": "every 1h",
      "after": [
        "migrate"
      ],
      "schedule": "every 1h from the start on",
      "next": [
        {
          "text": "at the start",
          "time": null
        },
        {
          "text": "Sat 2026-11-21 03:00:00 +01:00, in 5h",
          "time": "2026-11-21T03:00:00+01:00"
        }
      ],
      "stop": "finishes",
      "description": "Deletes \"rows\".",
      "source": {
        "file": "src/main.rs",
        "line": 12,
        "module": "orders"
      }
    }
  ]
}
"#;
        assert_eq!(listing.json(), expected);
        assert_eq!(
            listing.table(),
            "NAME     KIND      SETTINGS  AFTER    DECLARED AT     DESCRIPTION\n\
             cleanup  periodic  every 1h  migrate  src/main.rs:12  Deletes \"rows\".\n\
             \n\
             NEXT RUNS\n\
             cleanup    every 1h from the start on  at the start  Sat 2026-11-21 03:00:00 +01:00, in 5h\n"
        );
    }
}
