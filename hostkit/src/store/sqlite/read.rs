//! What people look at, on connections of its own, beside the writer.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::super::inspect::Cursor;
use super::super::{Counts, Envelope, Filter, JobId, JobView, Page, PageRequest, State, Timestamp};
use super::schema::{Place, place, state};

/// The columns of a [`JobView`]. A payload that is stored beside its row is looked up.
const VIEW: &str = "SELECT seq, id, (SELECT name FROM hostkit_kinds AS it WHERE it.kind = hostkit_jobs.kind), place,
    priority, due, enqueued_at, claimed_at, ended_at, epoch, failures, crashes,
    cancel_requested, serial_key, reason, version, trace,
    coalesce(payload, (SELECT payload FROM hostkit_payloads AS beside WHERE beside.seq = hostkit_jobs.seq))
    FROM hostkit_jobs";

fn view(row: &Row<'_>) -> Result<(i64, JobView)> {
    let instant = |column| -> Result<_> { Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros)) };
    let (at, priority, epoch): (Place, i64, i64) = (row.get(3)?, row.get(4)?, row.get(9)?);
    let view = JobView {
        id: JobId::from_bytes(row.get(1)?),
        kind: row.get_ref(2)?.as_str()?.into(),
        state: state(at).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, at))?,
        priority: i8::try_from(-priority).unwrap_or(0),
        due: Timestamp::from_micros(row.get(5)?),
        enqueued_at: Timestamp::from_micros(row.get(6)?),
        claimed_at: instant(7)?,
        ended_at: instant(8)?,
        epoch: u64::try_from(epoch).unwrap_or(0),
        failures: row.get(10)?,
        crashes: row.get(11)?,
        is_cancel_requested: row.get(12)?,
        serial_key: row.get(13)?,
        reason: row.get(14)?,
        envelope: Envelope { version: row.get(15)?, trace: row.get(16)? },
        payload: row.get(17)?,
    };
    Ok((row.get(0)?, view))
}

pub(super) fn counts(connection: &Connection) -> Result<Vec<Counts>> {
    let sql = "SELECT name, place, jobs FROM hostkit_counts JOIN hostkit_kinds USING (kind) WHERE jobs > 0";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut kinds: BTreeMap<Arc<str>, Counts> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (kind, at, jobs): (Arc<str>, Place, i64) = (row.get_ref(0)?.as_str()?.into(), row.get(1)?, row.get(2)?);
        let jobs = u64::try_from(jobs).unwrap_or(0);
        if let Some(state) = state(at) {
            kinds.entry(kind).or_insert_with_key(|kind| Counts::new(Arc::clone(kind))).add(state, jobs);
        }
    }
    Ok(kinds.into_values().collect())
}

pub(super) fn show(connection: &Connection, id: JobId) -> Result<Option<JobView>> {
    let mut statement = connection.prepare_cached(&format!("{VIEW} WHERE id = ?1"))?;
    Ok(statement.query_row([id.as_bytes()], view).optional()?.map(|(_, view)| view))
}

pub(super) fn list(connection: &Connection, filter: &Filter, page: PageRequest) -> Result<Page> {
    // What is rare has an index of its own; of what is not, the table has the latest at its end.
    let source = match filter.state {
        None => "NOT INDEXED WHERE true",
        Some(State::Waiting) => "NOT INDEXED WHERE place <= 2",
        Some(State::Done) => "NOT INDEXED WHERE place = 4",
        Some(State::Running) => "INDEXED BY hostkit_running WHERE place = 3",
        Some(State::Dead | State::Quarantined | State::Cancelled) => {
            "INDEXED BY hostkit_ended WHERE place >= 4 AND place = ?4
            AND kind IN (SELECT kind FROM hostkit_counts AS counts WHERE counts.place = ?4 AND counts.jobs > 0)"
        }
    };
    let sql = format!(
        "{VIEW} {source} AND seq < ?1 AND (?2 IS NULL OR kind = (SELECT kind FROM hostkit_kinds WHERE name = ?2))
        AND ?4 = ?4 ORDER BY seq DESC LIMIT ?3"
    );
    let before = page.after.map_or(i64::MAX, |cursor| cursor.0);
    let mut statement = connection.prepare_cached(&sql)?;
    let parameters = (before, filter.kind.as_deref(), page.limit, filter.state.map_or(0, place));
    let found: Vec<(i64, JobView)> = statement.query_map(parameters, view)?.collect::<Result<_>>()?;
    let last = found.last().filter(|_| found.len() == page.limit as usize);
    let next = last.map(|(seq, _)| Cursor(*seq));
    Ok(Page { jobs: found.into_iter().map(|(_, view)| view).collect(), next })
}

/// What must hold between the tables, as queries that find nothing.
const RULES: [(&str, &str); 9] = [
    (
        "the counts of jobs are wrong",
        "SELECT kind, place FROM (
            SELECT kind, place, jobs FROM hostkit_counts WHERE jobs <> 0
            EXCEPT SELECT kind, place, count(*) FROM hostkit_jobs GROUP BY kind, place
        ) UNION SELECT kind, place FROM (
            SELECT kind, place, count(*) FROM hostkit_jobs GROUP BY kind, place
            EXCEPT SELECT kind, place, jobs FROM hostkit_counts
        )",
    ),
    ("jobs run that nobody has", "SELECT id FROM hostkit_jobs WHERE place = 3 AND owner IS NULL"),
    (
        "jobs run for owners that are not there",
        "SELECT id FROM hostkit_jobs WHERE place = 3 AND owner NOT IN (SELECT owner FROM hostkit_owners)",
    ),
    ("jobs have an owner and do not run", "SELECT id FROM hostkit_jobs WHERE place <> 3 AND owner IS NOT NULL"),
    (
        "jobs are behind a key that nobody has",
        "SELECT id FROM hostkit_jobs AS behind WHERE place = 2 AND NOT EXISTS (
            SELECT 1 FROM hostkit_slots AS slot WHERE slot.kind = behind.kind AND slot.serial_key = behind.serial_key
        ) AND NOT EXISTS (
            SELECT 1 FROM hostkit_jobs AS other
            WHERE other.place = 0 AND other.kind = behind.kind AND other.serial_key = behind.serial_key
        )",
    ),
    (
        "the lines behind keys are wrong",
        "SELECT * FROM (
            SELECT kind, serial_key, priority, due, seq FROM hostkit_behind
            EXCEPT SELECT kind, serial_key, priority, due, seq FROM hostkit_jobs WHERE place = 2
        ) UNION SELECT * FROM (
            SELECT kind, serial_key, priority, due, seq FROM hostkit_jobs WHERE place = 2
            EXCEPT SELECT kind, serial_key, priority, due, seq FROM hostkit_behind
        )",
    ),
    (
        "the slots of keys are wrong",
        "SELECT * FROM (
            SELECT kind, serial_key, running FROM hostkit_slots
            EXCEPT SELECT kind, serial_key, count(*) FROM hostkit_jobs
            WHERE place = 3 AND serial_key IS NOT NULL GROUP BY kind, serial_key
        ) UNION SELECT * FROM (
            SELECT kind, serial_key, count(*) FROM hostkit_jobs
            WHERE place = 3 AND serial_key IS NOT NULL GROUP BY kind, serial_key
            EXCEPT SELECT kind, serial_key, running FROM hostkit_slots
        )",
    ),
    (
        "payloads are missing",
        "SELECT id FROM hostkit_jobs WHERE payload IS NULL AND seq NOT IN (SELECT seq FROM hostkit_payloads)
        UNION ALL
        SELECT seq FROM hostkit_payloads WHERE seq NOT IN (SELECT seq FROM hostkit_jobs WHERE payload IS NULL)",
    ),
    (
        "keys are held by jobs that are not there",
        "SELECT key FROM hostkit_keys WHERE until IS NULL AND id NOT IN (SELECT id FROM hostkit_jobs)",
    ),
];

/// Every fault that can be found, each a sentence.
pub(super) fn check(connection: &mut Connection) -> Result<Vec<String>> {
    // All of it as of one moment.
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare("PRAGMA integrity_check")?;
    let answers: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    let mut faults: Vec<String> =
        answers.into_iter().filter(|answer| answer != "ok").map(|answer| format!("SQLite says: {answer}")).collect();
    for (fault, query) in RULES {
        let sql = format!("SELECT count(*) FROM ({query})");
        let found: i64 = transaction.query_row(&sql, [], |row| row.get(0))?;
        if found > 0 {
            faults.push(format!("{fault}: {found}"));
        }
    }
    Ok(faults)
}
