//! The built-in queue of closures.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::options::Options;
use super::runner::QueueRunner;
use super::tap::Tap;
use super::{EnqueueError, Queue, Receipt};
use crate::component::{Edge, Given, Scopes, Supplied, fitting, kind};
use crate::function::{Ended, IntoEnded, Item, Queued, Work, role};
use crate::registry::{Registration, ServiceEntry, Source};
use crate::runner::{Kind, Runner, Setup};

/// What the worker is called, and its section of the configuration.
pub(crate) const NAME: &str = "task_queue";

/// The built-in queue of closures, for work that no function of its own is worth.
///
/// It is bounded (`capacity`, 100) and has one worker (`concurrency`, 1); both, and every other option of `#[queued]`,
/// can be set in the section `[task_queue]` of the configuration. It exists if anything in the host asks for it.
/// Cloning it clones a reference.
#[derive(Clone)]
pub struct TaskQueue {
    queue: Queue<Closures>,
}

fitting!([] TaskQueue, missing);

fn missing() -> String {
    "the `TaskQueue`, but it is disabled in this host".to_owned()
}

impl TaskQueue {
    /// The worker of the task queue, for a host in which anything asks for it.
    pub(crate) const ENTRY: &'static ServiceEntry = &ENTRY;

    /// Puts a closure into the queue, and waits for a free place while the queue is full, unless `full` in `[task_queue]`
    /// says otherwise, as for [`Queue::enqueue`].
    ///
    /// The closure is called when its turn comes. It receives [`Scopes`], to open a scope with the components that it
    /// needs, and a token that fires when it should end. It returns `()` or a `Result`; a failure is logged.
    ///
    /// # Errors
    /// Fails when the queue is closed, because the host stops or is gone.
    ///
    /// # Cancel safety
    /// Dropping the future before it is done drops the closure and leaves nothing in the queue.
    pub async fn enqueue<C, R>(&self, task: C) -> Result<Receipt, EnqueueError>
    where
        C: FnOnce(Scopes, CancellationToken) -> R + Send + 'static,
        R: Future<Output: IntoEnded> + Send + 'static,
    {
        self.queue.enqueue(boxed(task)).await.map_err(EnqueueError::without_payload)
    }

    /// Puts a closure into the queue if a place is free.
    ///
    /// # Errors
    /// Fails when the queue is full or closed.
    pub fn try_enqueue<C, R>(&self, task: C) -> Result<Receipt, EnqueueError>
    where
        C: FnOnce(Scopes, CancellationToken) -> R + Send + 'static,
        R: Future<Output: IntoEnded> + Send + 'static,
    {
        self.queue.try_enqueue(boxed(task)).map_err(EnqueueError::without_payload)
    }

    /// How many closures wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether no closure waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many closures may wait.
    pub fn capacity(&self) -> usize {
        self.queue.capacity()
    }
}

impl fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskQueue").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

type Task = Box<dyn FnOnce(Scopes, CancellationToken) -> BoxFuture<'static, Ended> + Send>;

fn boxed<C, R>(task: C) -> Task
where
    C: FnOnce(Scopes, CancellationToken) -> R + Send + 'static,
    R: Future<Output: IntoEnded> + Send + 'static,
{
    Box::new(move |scopes, stop| {
        let running = task(scopes, stop);
        Box::pin(async move { running.await.into_ended() })
    })
}

/// The function behind the queue.
struct Closures;

static ENTRY: ServiceEntry = ServiceEntry {
    name: NAME,
    description: "Works off the closures that were put into the task queue.",
    source: Source { file: file!(), line: line!(), module: module_path!() },
    handle: TypeId::of::<Closures>,
    edges: &[Edge::of::<kind::Queued, Scopes>("scopes"), Edge::of::<kind::Queued, CancellationToken>("stop")],
    after: &[],
    options: &[],
    kind: Kind::task_queue(),
};

impl Item for Closures {
    type Role = role::Enqueued;
    const REGISTRATION: Registration = Registration::Service(&ENTRY);
}

impl Queued for Closures {
    type Payload = Task;
}

impl Work for Closures {
    type Of = Self;
    type Needs = (Scopes, CancellationToken);

    fn call<'r>(task: Task, (scopes, stop): Given<'r, Self::Needs>) -> impl Future<Output = Ended> + Send + 'r {
        task(scopes, stop)
    }
}

/// Reads the options of the task queue, makes its channel and puts the [`TaskQueue`] into the graph.
pub(crate) fn set_up(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { name, mut settings, supplied, problems, probe, .. } = setup;
    let options = Options::read(&mut settings);
    options.check_payload(&mut settings, Closures::COPY.is_some());
    problems.extend(settings.finish(&[]));
    let runner = {
        let tap = Tap::new(name, probe, Closures::COPY);
        QueueRunner::<Closures>::new(options, tap, |queue| Box::new(TaskQueue { queue }))
    };
    supplied.push(Supplied::fitting(TaskQueue { queue: runner.queue() }));
    Arc::new(runner)
}
