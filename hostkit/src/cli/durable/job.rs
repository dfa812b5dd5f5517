//! A job as JSON.
//!
//! It is for scripts and is kept stable: fields are added and never renamed or removed.
//! ```json
//! {
//!   "id": "019aa4d2-5b9e-7c43-8f0e-6f8f3c1d2a4b", "kind": "mail", "state": "dead", "priority": 0,
//!   "enqueued_at": "2026-11-21T02:51:52.001Z", "due": "2026-11-21T02:51:52.001Z",
//!   "claimed_at": "2026-11-21T02:51:52.010Z", "ended_at": "2026-11-21T02:51:53.200Z",
//!   "epoch": 25, "failures": 25, "crashes": 0, "cancel_requested": false,
//!   "serial_key": null, "reason": "no such address", "version": 0, "trace": null, "payload_bytes": 17
//! }
//! ```
//! With `--payload` there is `payload` as well: the text that was stored, which usually is JSON itself, or null, and then
//! `payload_hex` has its bytes.

use std::fmt::Write as _;

use serde::Serialize;

use super::Payload;
use crate::store::JobView;

#[derive(Debug, Serialize)]
pub(super) struct Job<'a> {
    id: String,
    kind: &'a str,
    state: &'static str,
    priority: i8,
    enqueued_at: String,
    due: String,
    claimed_at: Option<String>,
    ended_at: Option<String>,
    epoch: u64,
    failures: u32,
    crashes: u32,
    cancel_requested: bool,
    serial_key: Option<&'a str>,
    reason: Option<&'a str>,
    version: u32,
    trace: Option<&'a str>,
    payload_bytes: usize,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    shown: Option<Shown<'a>>,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    payload: Option<&'a str>,
    payload_hex: Option<String>,
}

impl<'a> Job<'a> {
    pub(super) fn of(job: &'a JobView, payload: Payload) -> Self {
        Self {
            id: job.id.to_string(),
            kind: &job.kind,
            state: job.state.name(),
            priority: job.priority,
            enqueued_at: job.enqueued_at.to_string(),
            due: job.due.to_string(),
            claimed_at: job.claimed_at.map(|at| at.to_string()),
            ended_at: job.ended_at.map(|at| at.to_string()),
            epoch: job.epoch,
            failures: job.failures,
            crashes: job.crashes,
            cancel_requested: job.is_cancel_requested,
            serial_key: job.serial_key.as_deref(),
            reason: job.reason.as_deref(),
            version: job.envelope.version,
            trace: job.envelope.trace.as_deref(),
            payload_bytes: job.payload.len(),
            shown: (payload == Payload::Shown).then(|| Shown::of(&job.payload)),
        }
    }
}

impl<'a> Shown<'a> {
    fn of(payload: &'a [u8]) -> Self {
        match std::str::from_utf8(payload) {
            Ok(text) => Self { payload: Some(text), payload_hex: None },
            Err(_) => Self { payload: None, payload_hex: Some(hex(payload)) },
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As JSON on several lines.
pub(super) fn json(value: &impl Serialize) -> String {
    // Texts and numbers always have a JSON form.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Envelope, JobId, State, Timestamp};

    #[test]
    fn the_json_shape_is_stable() {
        let at = Timestamp::from_micros(1_793_000_000_123_456);
        let job = JobView {
            id: JobId::from_bytes([7; 16]),
            kind: "mail".into(),
            state: State::Dead,
            priority: -3,
            due: at,
            enqueued_at: at,
            claimed_at: Some(at),
            ended_at: None,
            epoch: 25,
            failures: 24,
            crashes: 1,
            is_cancel_requested: false,
            serial_key: Some("one".to_owned()),
            reason: None,
            envelope: Envelope { version: 2, trace: None },
            payload: b"\"hello\"".to_vec(),
        };
        let expected = r#"{
  "id": "07070707-0707-0707-0707-070707070707",
  "kind": "mail",
  "state": "dead",
  "priority": -3,
  "enqueued_at": "2026-10-26T07:33:20.123Z",
  "due": "2026-10-26T07:33:20.123Z",
  "claimed_at": "2026-10-26T07:33:20.123Z",
  "ended_at": null,
  "epoch": 25,
  "failures": 24,
  "crashes": 1,
  "cancel_requested": false,
  "serial_key": "one",
  "reason": null,
  "version": 2,
  "trace": null,
  "payload_bytes": 7"#;
        assert_eq!(json(&Job::of(&job, Payload::Hidden)), format!("{expected}\n}}\n"));
        let payload = ",\n  \"payload\": \"\\\"hello\\\"\",\n  \"payload_hex\": null\n}\n";
        assert_eq!(json(&Job::of(&job, Payload::Shown)), format!("{expected}{payload}"));
    }
}
