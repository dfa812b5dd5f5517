//! What a ledger says must be so, held against what a store has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hostkit::store::{
    ClaimRequest, Claimed, Filter, Finish, JobId, JobView, PageRequest, State, Store, StoreClock, Timestamp, Verdict,
    Wanted, Worker, open_with_clock,
};
use rusqlite::Connection;

use crate::home::Directory;

/// What somebody had been told, or had asked for, before the power was cut.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// How large the payload of each job is that somebody wanted to enqueue.
    tried: BTreeMap<JobId, usize>,
    /// What each caller was told to be stored, in that order.
    stored: BTreeMap<String, Vec<JobId>>,
    /// The latest epoch of each.
    began: BTreeMap<JobId, u64>,
    /// What somebody wanted to become of each.
    finishing: BTreeMap<JobId, BTreeSet<String>>,
    /// How often each was to be tried again, and its outcome.
    again: BTreeMap<JobId, u32>,
    finished: BTreeMap<JobId, String>,
    /// The latest instant of each schedule.
    occurred: BTreeMap<String, i64>,
}

impl Ledger {
    /// What was written before this line of the record.
    pub(super) fn until(lines: &[(usize, String)], cut: usize) -> Self {
        let mut ledger = Self::default();
        for (_, line) in lines.iter().take_while(|(at, _)| *at < cut) {
            let words: Vec<_> = line.split(' ').collect();
            let id: JobId = words[1].parse().unwrap();
            match words[..] {
                ["trying", _, size, _] => _ = ledger.tried.insert(id, size.parse().unwrap()),
                ["stored", _, caller] => ledger.stored.entry(caller.to_owned()).or_default().push(id),
                ["began", _, epoch, _] => _ = ledger.began.insert(id, epoch.parse().unwrap()),
                ["finishing", _, outcome, _] => {
                    ledger.finishing.entry(id).or_default().insert(outcome.to_owned());
                }
                ["finished", _, "again", _] => *ledger.again.entry(id).or_default() += 1,
                ["finished", _, outcome, _] => _ = ledger.finished.insert(id, outcome.to_owned()),
                ["occurred", _, instant, caller] => {
                    ledger.occurred.insert(caller.to_owned(), instant.parse().unwrap());
                }
                _ => panic!("the ledger has a line that means nothing: {line}"),
            }
        }
        ledger
    }

    pub(super) fn promises(&self) -> usize {
        self.stored.values().map(Vec::len).sum::<usize>() + self.finished.len()
    }

    fn wanted(&self, id: JobId, outcome: &str) -> bool {
        self.finishing.get(&id).is_some_and(|outcomes| outcomes.contains(outcome))
    }
}

/// What is wrong with a store.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Nothing may ever do this.
    pub(super) damage: Vec<String>,
    /// Somebody was told otherwise.
    pub(super) losses: Vec<String>,
}

/// Opens what is left at an instant, compares it with the ledger, and has all of it worked off.
pub(super) async fn examine(directory: &Directory, ledger: &Ledger, at: Timestamp) -> Found {
    let mut found = Found::default();
    let store = match open_with_clock(&directory.fast_url(), StoreClock::manual(at)).await {
        Ok(store) => store,
        Err(error) => {
            found.damage.push(format!("it cannot be opened: {error}: {:?}", std::error::Error::source(&error)));
            return found;
        }
    };
    if let Err(error) = compare(&*store, directory, ledger, &mut found).await {
        found.damage.push(format!("it cannot be used: {error}"));
    }
    let _ = store.close().await;
    found
}

async fn compare(
    store: &dyn Store,
    directory: &Directory,
    ledger: &Ledger,
    found: &mut Found,
) -> Result<(), Box<dyn std::error::Error>> {
    found.damage.extend(store.check().await?);
    if !found.damage.is_empty() {
        return Ok(());
    }
    let everything = PageRequest { limit: u32::MAX, after: None };
    let jobs = store.list(Filter::default(), everything).await?.jobs;
    let by_id: BTreeMap<_, _> = jobs.iter().map(|job| (job.id, job)).collect();
    for job in &jobs {
        found.damage.extend(impossible(job, ledger));
        found.losses.extend(undone(job, ledger));
    }
    let is_there = |id: &JobId| {
        // What is done and brief is pruned now and then.
        by_id.contains_key(id) || ledger.wanted(*id, "done")
    };
    for ids in ledger.stored.values() {
        let lost = ids.iter().position(|id| !is_there(id)).unwrap_or(ids.len());
        found.losses.extend(ids[lost..].iter().filter(|id| !is_there(id)).map(|id| format!("job {id} is lost")));
        // What was stored later than something that is lost is lost as well.
        let later = ids[lost..].iter().filter(|id| by_id.contains_key(id));
        found.damage.extend(later.map(|id| format!("job {id} is there and one before it is not")));
    }
    for (schedule, instant) in &ledger.occurred {
        let last = store.last_occurrence(schedule).await?.map_or(0, Timestamp::as_micros);
        if last < *instant {
            found.losses.push(format!("the occurrence {instant} of {schedule} is lost: {last}"));
        }
    }
    // An effect is there exactly if the job that had it is done.
    let done = jobs.iter().filter(|job| &*job.kind == "transfer" && job.state == State::Done);
    let mut done: Vec<_> = done.map(|job| job.id.to_string()).collect();
    done.sort();
    let effects = effects(directory);
    if effects != done {
        found.damage.push(format!("there are the effects {effects:?} and {done:?} are done"));
    }
    heal(store).await?;
    found.damage.extend(store.check().await?);
    let healed = store.list(Filter::default(), everything).await?.jobs;
    for (before, after) in jobs.iter().zip(&healed) {
        let as_expected = if before.state.is_outcome() { before.state } else { State::Done };
        if before.id != after.id || after.state != as_expected || after.epoch < before.epoch {
            found.damage.push(format!("{before:?} is {after:?} after all was worked off"));
        }
    }
    if jobs.len() != healed.len() {
        found.damage.push(format!("{} jobs are {} after all was worked off", jobs.len(), healed.len()));
    }
    Ok(())
}

/// What cannot have become of a job, however much was lost.
fn impossible(job: &JobView, ledger: &Ledger) -> Option<String> {
    let Some(size) = ledger.tried.get(&job.id) else { return Some(format!("nobody enqueued {job:?}")) };
    let payload: Vec<u8> = job.id.as_bytes().iter().copied().cycle().take(*size).collect();
    if job.payload != payload {
        return Some(format!("the payload of {job:?} is another"));
    }
    match job.state {
        State::Waiting | State::Running => None,
        State::Done | State::Dead if ledger.wanted(job.id, job.state.name()) => None,
        _ => Some(format!("nobody wanted this of {job:?}")),
    }
}

/// What had been said about a job and is not so.
fn undone(job: &JobView, ledger: &Ledger) -> Vec<String> {
    let mut undone = Vec::new();
    if let Some(outcome) = ledger.finished.get(&job.id)
        && outcome != job.state.name()
    {
        undone.push(format!("it was finished, {outcome}: {job:?}"));
    }
    if ledger.again.get(&job.id).is_some_and(|again| *again > job.failures) {
        undone.push(format!("more failures were recorded of {job:?}"));
    }
    if ledger.began.get(&job.id).is_some_and(|epoch| *epoch > job.epoch) {
        undone.push(format!("it was claimed in a later epoch: {job:?}"));
    }
    undone
}

/// The ids of the jobs that had an effect, sorted; none if that table is not there yet.
fn effects(directory: &Directory) -> Vec<String> {
    let connection = Connection::open(directory.file()).unwrap();
    let Ok(mut statement) = connection.prepare("SELECT id FROM effects ORDER BY id") else { return Vec::new() };
    let ids = statement.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// Works off all that waits, and all that the dead had. No lease is over: their locks say that they are dead.
async fn heal(store: &dyn Store) -> Result<(), Box<dyn std::error::Error>> {
    store.sweep().await?;
    let worker = Worker { name: "afterwards".to_owned(), lease: Duration::from_hours(1) };
    let owner = store.register(worker).await?;
    loop {
        let kinds = ["plain", "transfer", "keyed", "brief"].map(|kind| Wanted::new(kind, 100)).into();
        let Claimed::Jobs { jobs, .. } = store.claim(ClaimRequest { owner, kinds }).await? else {
            return Err("its lease is long".into());
        };
        if jobs.is_empty() {
            break;
        }
        let done = |job: &hostkit::store::ClaimedJob| Finish { claim: job.claim, verdict: Verdict::Done };
        store.finish(jobs.iter().map(done).collect()).await?;
    }
    Ok(store.leave(owner).await?)
}
