//! Putting jobs into a store: what a queue's handle does, and with which options.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::jobs::Jobs;
use super::options::Rules;
use crate::component::catch;
use crate::function::{Codec, Durable, Keying, Queued};
use crate::queue::error::Refused;
use crate::queue::line::Line;
use crate::queue::tap::Tap;
use crate::queue::{EnqueueError, Queue};
use crate::store::{Due, Enqueued, JobId, NewJob, Rejection, Store, StoreError, Unique};
use crate::time::parse_duration;

/// So many jobs are handed to the store together by [`Queue::enqueue_all`].
const BATCH: usize = 512;

/// The space of the names that stand for payloads that are their own unique key.
const PAYLOADS: Uuid = Uuid::from_u128(0x0199_a3c5_7e1d_7d3a_b2a4_5f0c_6c1e_9d42);

/// How one job is enqueued. [`Enqueue::new`] has the defaults of the function.
///
/// ```
/// # #[cfg(feature = "durable")] {
/// use hostkit::Enqueue;
///
/// let later = Enqueue::new().delay("5m").key("order-17").priority(1);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "it does nothing by itself; give it to `Queue::enqueue_with`"]
pub struct Enqueue {
    due: Option<Due>,
    key: Option<String>,
    priority: Option<i8>,
    /// What was wrong with the above.
    fault: Option<String>,
}

impl Enqueue {
    /// As the function's options say.
    pub fn new() -> Self {
        Self::default()
    }

    /// The job may run after this time, a [`Duration`] or text such as `"5m"` \[at once\]. Text that is no duration makes
    /// enqueuing fail.
    pub fn delay(mut self, delay: impl Delay) -> Self {
        match delay.duration() {
            Ok(delay) => self.due = Some(Due::After(delay)),
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    /// The job may run from then on, by the clock of the store \[at once\].
    pub fn at(mut self, time: SystemTime) -> Self {
        self.due = Some(Due::At(time.into()));
        self
    }

    /// The idempotency key, which makes it safe to enqueue again after an answer that was lost: a second job of this function with
    /// the same key is a [duplicate](EnqueueError::duplicate_of), for 24 h and for as long as the first is kept \[none\].
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Greater goes first \[the function's\].
    pub fn priority(mut self, priority: i8) -> Self {
        self.priority = Some(priority);
        self
    }
}

/// How long to wait: a [`Duration`], or text such as `"1h 30m"`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a duration",
    note = "write a `std::time::Duration`, or text such as \"1h 30m\""
)]
pub trait Delay {
    /// The duration, or why it is none.
    ///
    /// # Errors
    /// Fails when the text is none.
    #[doc(hidden)]
    fn duration(self) -> Result<Duration, String>;
}

impl Delay for Duration {
    fn duration(self) -> Result<Duration, String> {
        Ok(self)
    }
}

impl Delay for &str {
    fn duration(self) -> Result<Duration, String> {
        let reason =
            |error| format!("the delay `{self}` is not a duration: {error}; write one such as \"5m\" or \"1h 30m\"");
        parse_duration(self).map_err(reason)
    }
}

/// What came of [`Queue::enqueue_all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EnqueuedAll {
    /// Jobs that are stored now.
    pub stored: u64,
    /// Payloads whose job was there already, by the function's option `unique`.
    pub duplicates: u64,
}

/// What a durable queue's payloads go through. Cloning it clones a reference.
pub struct Storage<P>(Arc<Sending<P>>);

/// All that there is to know when a payload is stored.
pub(super) struct Sending<P> {
    pub(super) jobs: Arc<Jobs>,
    pub(super) kind: Arc<str>,
    pub(super) codec: Codec<P>,
    pub(super) key: Keying<P>,
    pub(super) rules: Rules,
    /// Who looks on.
    pub(super) tap: Tap<P>,
}

impl<P> Sending<P> {
    /// The job that a payload becomes.
    fn job(&self, payload: &P, options: &Enqueue) -> Result<NewJob, Refused> {
        if let Some(fault) = &options.fault {
            return Err(Refused::Asked(fault.clone()));
        }
        // Writing it is the user's code, and so is its key.
        let made = catch(|| ((self.codec.encode)(payload), self.key.map(|key| key(payload))));
        let (bytes, key) = made.map_err(|caught| Refused::Panicked(caught.to_string()))?;
        let mut job = NewJob::new(Arc::clone(&self.kind), bytes.map_err(Refused::Unwritable)?);
        let Rules { capacity, priority, unique, version, is_serial } = self.rules;
        job.envelope.version = version;
        job.capacity = capacity;
        job.priority = options.priority.unwrap_or(priority);
        job.due = options.due.unwrap_or(Due::Now);
        job.idempotency_key.clone_from(&options.key);
        if unique.is_some() || is_serial {
            // Without a function that names it, the payload is its own key: a name of fixed length, which shows nothing of it.
            let key = key.unwrap_or_else(|| Uuid::new_v5(&PAYLOADS, &job.payload).to_string());
            job.unique = unique.map(|mode| Unique { key: key.clone(), mode });
            job.serial_key = is_serial.then_some(key);
        }
        Ok(job)
    }

    async fn send(&self, payload: P, options: &Enqueue) -> Result<JobId, EnqueueError<P>> {
        let offered = self.tap.offer(&payload);
        let job = match self.job(&payload, options) {
            Ok(job) => job,
            Err(refused) => return Err(EnqueueError::refused(refused, payload)),
        };
        let store = match self.jobs.store() {
            Ok(store) => store,
            Err(refused) => return Err(refused.of(payload)),
        };
        let id = job.id;
        let answer = store.enqueue(vec![job]).await;
        match answer.map(|answers| answers.into_iter().next()) {
            Ok(Some(Enqueued::Stored)) => {
                self.tap.accepted(offered);
                Ok(id)
            }
            Ok(Some(Enqueued::Replaced(id))) => {
                self.tap.accepted(offered);
                Ok(id)
            }
            Ok(Some(Enqueued::Rejected(rejection))) => Err(rejected(rejection, payload)),
            Ok(None) => Err(EnqueueError::closed(payload)),
            Err(error) => Err(failed(error, payload)),
        }
    }

    /// Stores what is in the batch, and counts it; fails with the first payload that was refused.
    async fn send_batch(
        &self,
        store: &dyn Store,
        batch: &mut Vec<(P, NewJob)>,
        done: &mut EnqueuedAll,
    ) -> Result<(), EnqueueError<P>> {
        let (payloads, jobs): (Vec<_>, Vec<_>) = std::mem::take(batch).into_iter().unzip();
        let answers = match store.enqueue(jobs).await {
            Ok(answers) => answers,
            Err(error) => {
                let first = payloads.into_iter().next();
                return first.map_or(Ok(()), |payload| Err(failed(error, payload)));
            }
        };
        let mut refused = None;
        for (payload, answer) in payloads.into_iter().zip(answers) {
            match answer {
                Enqueued::Stored => {
                    done.stored += 1;
                    self.tap.accepted(self.tap.offer(&payload));
                }
                Enqueued::Replaced(_) | Enqueued::Rejected(Rejection::Duplicate(_)) => done.duplicates += 1,
                Enqueued::Rejected(rejection) => {
                    refused.get_or_insert_with(|| rejected(rejection, payload));
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }
}

fn rejected<P>(rejection: Rejection, payload: P) -> EnqueueError<P> {
    match rejection {
        Rejection::Full => EnqueueError::full(payload),
        Rejection::Closed => EnqueueError::closed(payload),
        Rejection::Duplicate(id) => EnqueueError::refused(Refused::Duplicate(id), payload),
        Rejection::TooLarge(bytes) => EnqueueError::refused(Refused::TooLarge(bytes), payload),
    }
}

fn failed<P>(error: StoreError, payload: P) -> EnqueueError<P> {
    if error.is_closed() && !error.is_unknown() {
        return EnqueueError::closed(payload);
    }
    EnqueueError::refused(Refused::Store(error), payload)
}

impl<P> Storage<P> {
    pub(super) fn new(sending: Sending<P>) -> Self {
        Self(Arc::new(sending))
    }

    /// Reads a payload as JSON, and stores it.
    #[cfg(feature = "cli")]
    pub(super) async fn enqueue_json(&self, json: &str, options: &Enqueue) -> Result<JobId, String>
    where
        P: Send + 'static,
    {
        let payload = (self.0.codec.decode)(json.as_bytes()).map_err(|error| {
            let payload = crate::component::short_type_name(std::any::type_name::<P>());
            format!("this is no `{payload}`: {error}")
        })?;
        self.0
            .send(payload, options)
            .await
            .map_err(|error| crate::error::WithCauses(&error.without_payload()).to_string())
    }
}

impl<P: Send + 'static> Line<P> for Storage<P> {
    type Receipt = JobId;

    async fn enqueue(&self, payload: P) -> Result<JobId, EnqueueError<P>> {
        self.0.send(payload, &Enqueue::new()).await
    }

    fn describe(&self, debug: &mut fmt::DebugStruct<'_, '_>) {
        debug.field("durable", &true);
    }

    #[cfg(feature = "testing")]
    fn seen(&self) -> Option<Vec<P>> {
        self.0.tap.seen()
    }

    #[cfg(feature = "testing")]
    fn hold(&self) {
        self.0.jobs.hold(&self.0.kind);
    }

    #[cfg(feature = "testing")]
    fn release(&self) {
        self.0.jobs.release(&self.0.kind);
    }

    #[cfg(feature = "testing")]
    fn is_held(&self) -> bool {
        self.0.jobs.is_held(&self.0.kind)
    }

    #[cfg(feature = "testing")]
    fn take(&self) -> Vec<P> {
        let taken = self.0.jobs.take_waiting(&self.0.kind);
        taken.iter().filter_map(|bytes| (self.0.codec.decode)(bytes).ok()).collect()
    }
}

impl<P> Clone for Storage<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> fmt::Debug for Storage<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("kind", &self.0.kind).finish_non_exhaustive()
    }
}

/// What only the queue of a durable function can do.
impl<F: Queued> Queue<F> {
    /// Stores a payload, with options for this one job.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue); and when the delay is no duration.
    ///
    /// # Cancel safety
    /// As [`enqueue`](Self::enqueue).
    pub async fn enqueue_with(&self, payload: F::Payload, options: Enqueue) -> Result<JobId, EnqueueError<F::Payload>>
    where
        F: Durable,
    {
        self.storage().0.send(payload, &options).await
    }

    /// Stores all that an iterator gives, some hundred payloads in each transaction, without holding more of them.
    ///
    /// What is a duplicate by the function's option `unique` is counted and passed over.
    ///
    /// # Errors
    /// Fails with the first payload that is refused for another reason, or whose transaction failed. What came before it is stored, and
    /// of the some hundred after it some may be; [`EnqueueError::is_unknown`] is about all of one transaction.
    ///
    /// # Cancel safety
    /// What was handed to the store by then may be stored.
    pub async fn enqueue_all<I>(&self, payloads: I) -> Result<EnqueuedAll, EnqueueError<F::Payload>>
    where
        F: Durable,
        I: IntoIterator<Item = F::Payload, IntoIter: Send>,
    {
        let sending = &self.storage().0;
        let (mut done, mut batch) = (EnqueuedAll::default(), Vec::new());
        let mut payloads = payloads.into_iter();
        let options = Enqueue::new();
        loop {
            let payload = payloads.next();
            if batch.len() == BATCH || (payload.is_none() && !batch.is_empty()) {
                match sending.jobs.store() {
                    Ok(store) => sending.send_batch(&*store, &mut batch, &mut done).await?,
                    Err(refused) => {
                        return batch.into_iter().next().map_or(Ok(done), |(first, _)| Err(refused.of(first)));
                    }
                }
            }
            let Some(payload) = payload else { return Ok(done) };
            match sending.job(&payload, &options) {
                Ok(job) => batch.push((payload, job)),
                Err(refused) => {
                    if let Ok(store) = sending.jobs.store() {
                        sending.send_batch(&*store, &mut batch, &mut done).await?;
                    }
                    return Err(EnqueueError::refused(refused, payload));
                }
            }
        }
    }

    #[cfg_attr(
        feature = "sqlite",
        doc = "The job that a payload becomes, for [`enqueue_in`](crate::store::sqlite::enqueue_in) in a transaction of your own."
    )]
    #[cfg_attr(not(feature = "sqlite"), doc = "The job that a payload becomes, for whoever stores it.")]
    ///
    /// # Errors
    /// Fails when the payload cannot be written as JSON, or the delay is no duration.
    pub fn job(&self, payload: &F::Payload, options: &Enqueue) -> Result<NewJob, EnqueueError>
    where
        F: Durable,
    {
        self.storage().0.job(payload, options).map_err(|refused| EnqueueError::refused(refused, ()))
    }

    fn storage(&self) -> &Storage<F::Payload>
    where
        F: Durable,
    {
        self.line()
    }
}
