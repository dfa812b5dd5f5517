//! `jobs show`.

use super::Payload;
use super::job::{Job, hex, json};
use super::moment::{harmless, moment, now, one_line};
use crate::cli::list::Form;
use crate::cli::stdout;
use crate::program::Failure;
use crate::store::{JobId, JobView, Store, Timestamp};

pub(super) async fn show(store: &dyn Store, id: JobId, payload: Payload, form: Form) -> Result<(), Failure> {
    let Some(job) = store.show(id).await? else {
        return Err(Failure::other(format!("there is no job {id}")));
    };
    match form {
        Form::Json => stdout::print(&json(&Job::of(&job, payload))),
        Form::Table => stdout::print(&(facts(&job, now()) + &shown(&job.payload, payload))),
    }
}

/// The width of what stands before each fact.
const NAMES: usize = 12;

fn fact(name: &str, value: &str) -> String {
    format!("{name:NAMES$}{value}\n")
}

/// One line for each, without what a job does not have.
fn facts(job: &JobView, now: Timestamp) -> String {
    let instant = |at: Option<Timestamp>| at.map(|at| moment(at, now));
    let state = if job.is_cancel_requested { format!("{}, asked to stop", job.state) } else { job.state.to_string() };
    let lines = |text: &String| harmless(text.trim_end()).replace('\n', &format!("\n{:NAMES$}", ""));
    let facts = [
        ("id", Some(job.id.to_string())),
        ("kind", Some(one_line(&job.kind))),
        ("state", Some(state)),
        ("reason", job.reason.as_ref().map(lines)),
        ("enqueued", instant(Some(job.enqueued_at))),
        ("due", instant(Some(job.due))),
        ("claimed", instant(job.claimed_at)),
        ("ended", instant(job.ended_at)),
        ("claims", Some(job.epoch.to_string())),
        ("failures", Some(job.failures.to_string())),
        ("crashes", Some(job.crashes.to_string())),
        ("priority", Some(job.priority.to_string())),
        ("serial key", job.serial_key.as_deref().map(one_line)),
        ("trace", job.envelope.trace.as_deref().map(one_line)),
        ("version", Some(job.envelope.version.to_string())),
    ];
    facts.into_iter().filter_map(|(name, value)| Some(fact(name, &value?))).collect()
}

fn shown(payload: &[u8], wanted: Payload) -> String {
    let bytes = payload.len();
    let (note, text) = match (wanted, std::str::from_utf8(payload)) {
        (Payload::Hidden, _) => (format!("{bytes} bytes, shown with --payload"), None),
        (Payload::Shown, Ok(text)) if harmless(text) == text => (format!("{bytes} bytes"), Some(text.to_owned())),
        (Payload::Shown, _) => (format!("{bytes} bytes, in hexadecimal"), Some(hex(payload))),
    };
    let text = text.map(|text| format!("\n{}\n", text.trim_end())).unwrap_or_default();
    fact("payload", &note) + &text
}
