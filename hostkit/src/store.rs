//! Where durable jobs are kept: the contract that every store meets, and its homes.
//!
//! A store knows kinds, bytes, instants and owners. It knows no queue, no function and no schedule: whatever runs jobs
//! is written against [`Store`] and runs on each of its homes. [`StoreUrl::parse`] reads what the configuration says,
//! [`open`] opens it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use hostkit::store::{self, ClaimRequest, Claimed, Finish, NewJob, StoreUrl, Verdict, Wanted, Worker};
//!
//! let store = store::open(&StoreUrl::parse("memory://")?).await?;
//! store.enqueue(vec![NewJob::new("mail", *b"to whom it may concern")]).await?;
//!
//! let worker = Worker { name: "an example".to_owned(), lease: Duration::from_secs(60) };
//! let owner = store.register(worker).await?;
//! let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 10)] };
//! let Claimed::Jobs { jobs, .. } = store.claim(request).await? else { unreachable!("it has just registered") };
//! assert_eq!(jobs[0].payload, b"to whom it may concern");
//! store.finish(vec![Finish { claim: jobs[0].claim, verdict: Verdict::Done }]).await?;
//! # Ok(()) }
//! ```
//!
//! # What holds in every store
//! 1. **Nothing acknowledged is lost.** An answer is given when what it says is as safe as [`Store::durability`] says.
//! 2. **An answer is one of three**: it is so; it is certainly not so; nobody knows ([`StoreError::is_unknown`]).
//! 3. **Every change of a running job names its claim**, which is the job and its epoch. Epochs rise with every claim of the
//!    job and never fall. A change under an epoch that is not the latest touches nothing and says so ([`Applied::Stale`]).
//! 4. **Every job is in one state**: jobs enqueued = waiting + running + done + dead + quarantined + cancelled, but for those
//!    that [`Store::prune`], [`Store::purge`] and [`Store::delete`] deleted. A state that [is an outcome](State::is_outcome) changes only
//!    because a human wants it.
//! 5. **A lease belongs to an owner**, so that a beat is one statement however many jobs the owner has. An owner whose lease is
//!    over, and that nobody has declared dead yet, may beat and go on; one that was declared dead has nothing any more.
//! 6. **Interrupted is not failed.** A death spends no attempt of a job, it counts as a crash of the job.
//! 7. **Only the store's clock decides.** What crosses this border are durations, but for instants that a human or a schedule
//!    chose. An owner measures its own lease from when it *sent* its last beat that was answered.
//! 8. **What an operation costs does not grow with what is stored**, but for [`Store::list`], [`Store::check`] and
//!    [`Store::backup`]: claims search by index alone, a sweep looks at what the dead had, and redrives and
//!    prunes take a bounded number each time.
//!
//! # How a runner uses it
//! It [registers](Store::register), and beats every third of its lease on a thread that user code cannot stall. One loop
//! [claims](Store::claim) for every kind that has room, as much as can start now and no more, and waits until the claim's
//! `next`, a [change](Store::changes), room, or some seconds, whichever comes first. Verdicts are collected and
//! [finished](Store::finish) together. A claim that was not answered is cleared up by [`Store::reconcile`]; a finish that was
//! not answered is sent again, for applying it twice is the same as once: the second says stale, and the job says in which
//! epoch it ended. It [sweeps](Store::sweep) when it starts and every few seconds, [prunes](Store::prune) every few minutes, and at
//! the stop releases what it has not begun and [leaves](Store::leave). It asks for the [health](Store::health) of the store as often
//! as for its own: a store that has failed for good does not get better, so the host must not pass for healthy.
//!
//! # The homes
//! | | memory | SQLite | PostgreSQL (to come) | NATS JetStream (to come) |
//! |---|---|---|---|---|
//! | enqueue | a list | one transaction for all that came meanwhile | one `INSERT … SELECT unnest(…) ON CONFLICT DO NOTHING RETURNING`, batched in the process; also `hostkit.enqueue(…)` in the user's transaction | publish with `Nats-Msg-Id` = job id, awaiting the ack of the stream |
//! | idempotency key | a map | a table, unique (kind, key) | the same table | `Nats-Msg-Id` = kind and key; the stream's duplicate window is set to 24 h and checked at start, which is where such keys end |
//! | unique modes, capacity | a map, a count | the same table; counts kept in the transaction | the same tables; counts by shard, so that no row is hot | a KV bucket, created with revision 0 before the publish; capacity is the stream's `max_msgs_per_subject` with `discard_new_per_subject`. `debounce` cannot be: **the build says so** |
//! | claim | a scan | seeks in partial indexes of what is claimable | the same partial indexes, `FOR UPDATE SKIP LOCKED LIMIT free` in a CTE that updates and returns | pull `fetch(free)` on one consumer per kind and priority class; the epoch is the number of deliveries |
//! | priority, due | sorted | index order | index order | a subject per class (high, normal, low), in whose order they are fetched; what is due later is scheduled by the server (2.12) or nakked with the delay |
//! | serial key | a scan | those whose key is taken wait in a lane of their own, so nothing is searched twice | the same lane; the slot of a key is a row that is locked | a consumer with `max_ack_pending = n` per partition of the keys; other limits than 1 per partition: **the build says so** |
//! | rate | one instant per kind | the same, in a row | the same, row locked for the claim | one KV entry per kind, by compare and set |
//! | finish | a change | one transaction for all that came meanwhile | one `UPDATE … FROM unnest(ids, epochs, …) WHERE job.epoch = its.epoch RETURNING` | double ack; retry and snooze are a delayed nak; dead is a publish to the dead-letter stream, by message id, and then the double ack. A redelivered message has a higher number, and the server refuses the ack of the former |
//! | beat | one field | one row | one `UPDATE owners` | in-progress acks of all that is held, from the beat's thread, pipelined |
//! | sweep | by lease | by the lock of a file, which falls with its process; else by lease | by lease, `now()` of the server | the server redelivers after `ack_wait` = lease; the max-deliveries advisory feeds the dead letters. Crashes are counted in the KV entry of the job |
//! | suspects run alone | a scan | an index of suspects | an index of suspects | a subject of suspects per kind with `max_ack_pending = 1` |
//! | occurrences | a map | a primary key (schedule, instant) | the same | `Nats-Msg-Id` = schedule and instant; the last one is a KV entry |
//! | changes | a watch | a watch, and the file's data version for other processes | `NOTIFY`, coalesced, and polling that suffices alone | pulls wait at the server |
//! | counts, list, cancel, retry, delete | a scan | readers beside the writer | plain queries | stream info per subject; list, delete and cancel of a waiting job by KV entry and sequence. Lists are in the order of the stream |
//! | dead letters | a state | a state | a state | a stream of their own; redrive republishes under a new message id and then acks |
//! | retention | a scan | by index, in batches | by index, in batches | `max_age` of the streams: per store, not per kind; **the build says so** |
//! | transaction of the user's | no | `sqlite::enqueue_in`, `SqliteStore::finish_with` | `enqueue_in`, and the acknowledgement in the user's transaction | **the build says so** |
//! | `Ok` survives | nothing | [a power cut](Durability::Disk), or [a kill](Durability::Machine) when fast | as its `synchronous_commit` | as the server's sync mode and replicas, reported at start |

mod claim;
mod contract;
#[cfg(feature = "sqlite")]
mod crash;
mod error;
mod inspect;
mod job;
mod memory;
mod rules;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod time;
mod url;

use std::sync::Arc;
use std::time::Duration;

pub use claim::{
    Applied, Beat, Claim, ClaimRequest, Claimed, ClaimedJob, Delivery, Finish, OwnerId, Rate, Swept, Verdict, Wanted,
    Worker,
};
pub use contract::{Answer, Store};
pub use error::{OpenError, StoreError};
pub use inspect::{Batch, Changed, Counts, Cursor, Durability, Filter, Page, PageRequest, Retention};
pub use job::{
    CRASHES_TO_QUARANTINE, Due, Enqueued, Envelope, IDEMPOTENCY_KEPT, JobId, JobView, NewJob, PAYLOAD_LIMIT,
    ParseJobIdError, Rejection, State, Unique, UniqueMode,
};
pub use memory::MemoryStore;
pub use time::{StoreClock, Timestamp};
pub use url::StoreUrl;

use self::url::Place;

/// An occurrence is remembered until one of the same schedule that lies so much later was stored. What lies further back
/// counts as stored.
pub const OCCURRENCES_KEPT: Duration = Duration::from_hours(30 * 24);

/// Opens a store, and makes it if there is none.
///
/// # Errors
/// Fails when the store cannot be reached, is not fit to keep jobs, or needs a migration that others stand
/// in the way of. The message says what to do.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, OpenError> {
    open_with_clock(url, StoreClock::machine()).await
}

/// Opens a store that goes by another clock than the machine's, for tests. A store on a server has its own clock and refuses
/// another.
///
/// # Errors
/// Fails as [`open`] does.
pub async fn open_with_clock(url: &StoreUrl, clock: StoreClock) -> Result<Arc<dyn Store>, OpenError> {
    opened(url, clock, Absent::Made).await
}

/// Opens a store that is there, for whoever looks into it: makes none, and brings none up to date.
///
/// # Errors
/// Fails as [`open`] does, when there is no store, and for `memory://`, which nobody can look into from outside of the process
/// that made it.
pub async fn open_existing(url: &StoreUrl) -> Result<Arc<dyn Store>, OpenError> {
    if url.is_memory() {
        return Err(OpenError::configuration(
            "the store is `memory://`: its jobs are in the memory of the program that runs, and nobody else can see them",
        ));
    }
    opened(url, StoreClock::machine(), Absent::Refused).await
}

/// Makes a store if there is none, and brings one that an older program made up to date.
///
/// # Errors
/// Fails as [`open`] does, when the store is newer than this program, and while programs use it that would not understand it
/// afterwards.
pub async fn migrate(url: &StoreUrl) -> Result<(), OpenError> {
    #[cfg(feature = "sqlite")]
    if !url.is_memory() {
        let url = url.clone();
        return crate::tasks::blocking(move || sqlite::migrate(&url)).await;
    }
    open(url).await.map(drop)
}

/// What becomes of a store that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "one in memory is never there"))]
enum Absent {
    Made,
    Refused,
}

#[cfg_attr(not(feature = "sqlite"), allow(unused_variables, reason = "one in memory is never there"))]
async fn opened(url: &StoreUrl, clock: StoreClock, absent: Absent) -> Result<Arc<dyn Store>, OpenError> {
    match &url.0 {
        Place::Memory => Ok(Arc::new(MemoryStore::new(clock))),
        #[cfg(feature = "sqlite")]
        Place::Sqlite(url) => {
            let url = url.clone();
            let open = move || sqlite::SqliteStore::open(&url, clock, absent);
            Ok(Arc::new(crate::tasks::blocking(open).await?))
        }
        #[cfg(not(feature = "sqlite"))]
        Place::Sqlite(_) => Err(OpenError::configuration(
            "this program was built without SQLite; add the feature `sqlite` to hostkit in its Cargo.toml",
        )),
    }
}
