//! What every program here does with its library: the phases, who calls, what is counted and timed.
//!
//! A program runs one phase and prints one line. It is started anew for each, on a directory that it is given.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How many jobs run at once.
#[allow(dead_code, reason = "hostkit has it in an attribute")]
pub(crate) const CONCURRENCY: usize = 64;

/// More jobs than this no phase has.
const MOST: usize = 100_000;
/// How far apart the jobs of the paced phase are.
const PACE: Duration = Duration::from_millis(10);

/// When each job was handed over and when it began, in nanoseconds of [`now`].
static SENT: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
static BEGUN: [AtomicU64; MOST] = [const { AtomicU64::new(0) }; MOST];
/// How many have begun for the first time, and how many times any has.
static DISTINCT: AtomicU64 = AtomicU64::new(0);
static RUNS: AtomicU64 = AtomicU64::new(0);
static EXPECTED: AtomicU64 = AtomicU64::new(u64::MAX);
static ALL: Notify = Notify::const_new();

/// Whether a program only stores jobs or runs them, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Works {
    Yes,
    No,
}

/// A library, in the best configuration that its documentation knows for this.
pub(crate) trait Peer: Send + Sync + Sized + 'static {
    /// Opens the store in this directory. Whoever works calls [`work`] for each job, 64 at once.
    fn open(directory: &Path, works: Works) -> impl Future<Output = Self> + Send;

    /// Stores one job, and returns when it is stored.
    fn enqueue(&self, job: u64) -> impl Future<Output = ()> + Send;

    /// How many jobs are not done, as the store has it.
    fn left(&self) -> impl Future<Output = u64> + Send;

    /// Ends well.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The work of every job.
pub(crate) fn work(job: u64) {
    let index = usize::try_from(job).expect("jobs are numbered from zero");
    RUNS.fetch_add(1, Ordering::Relaxed);
    if BEGUN[index].swap(now(), Ordering::Relaxed) == 0
        && DISTINCT.fetch_add(1, Ordering::SeqCst) + 1 == EXPECTED.load(Ordering::SeqCst)
    {
        ALL.notify_one();
    }
}

fn now() -> u64 {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    u64::try_from(EPOCH.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Runs the phase that the command line names: `PHASE DIRECTORY JOBS CALLERS`.
pub(crate) fn main<P: Peer>() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [phase, directory, jobs, callers] = arguments.as_slice() else {
        panic!("PHASE DIRECTORY JOBS CALLERS");
    };
    // A worker of theirs that panics would leave its jobs, and everybody waiting for them.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
    let (jobs, callers) = (jobs.parse().expect("a number of jobs"), callers.parse().expect("a number of callers"));
    let (phase, directory) = (phase.clone(), PathBuf::from(directory));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    // On a task, because the thread that blocks on a runtime is none of its workers.
    let said = runtime.block_on(runtime.spawn(async move {
        match phase.as_str() {
            "enqueue" => enqueue::<P>(&directory, jobs, callers).await,
            "drain" => drain::<P>(&directory, jobs).await,
            "both" => both::<P>(&directory, jobs, callers).await,
            "paced" => paced::<P>(&directory, jobs).await,
            phase => panic!("no phase {phase}"),
        }
    }));
    println!("{}", said.expect("nothing panics"));
}

/// So many callers enqueue one job after the other; nobody works.
async fn enqueue<P: Peer>(directory: &Path, jobs: u64, callers: u64) -> String {
    let peer = Arc::new(P::open(directory, Works::No).await);
    let began = Instant::now();
    send(&peer, jobs, callers).await;
    let took = began.elapsed();
    close(peer).await;
    format!("{}", took.as_secs_f64())
}

/// What another process has enqueued is worked off, from opening the store until it has every outcome.
async fn drain<P: Peer>(directory: &Path, jobs: u64) -> String {
    EXPECTED.store(jobs, Ordering::SeqCst);
    let began = Instant::now();
    let peer = Arc::new(P::open(directory, Works::Yes).await);
    done(&peer, jobs).await;
    let took = began.elapsed();
    close(peer).await;
    format!("{} {}", took.as_secs_f64(), RUNS.load(Ordering::SeqCst))
}

/// Both at once, from the first call until the store has every outcome.
async fn both<P: Peer>(directory: &Path, jobs: u64, callers: u64) -> String {
    EXPECTED.store(jobs, Ordering::SeqCst);
    let peer = Arc::new(P::open(directory, Works::Yes).await);
    let began = Instant::now();
    send(&peer, jobs, callers).await;
    done(&peer, jobs).await;
    let took = began.elapsed();
    close(peer).await;
    format!("{} {}", took.as_secs_f64(), RUNS.load(Ordering::SeqCst))
}

/// A hundred jobs a second, from the call to the start of each: the median, the 99th percentile and the longest, in seconds.
async fn paced<P: Peer>(directory: &Path, jobs: u64) -> String {
    EXPECTED.store(jobs, Ordering::SeqCst);
    let peer = Arc::new(P::open(directory, Works::Yes).await);
    // Whatever opening it has left to do is no job's matter.
    sleep(Duration::from_secs(1)).await;
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = Vec::new();
    for job in 0..jobs {
        ticks.tick().await;
        let peer = Arc::clone(&peer);
        // Not awaited here: one that takes long keeps none of the next from being sent.
        calls.push(tokio::spawn(async move {
            SENT[job as usize].store(now(), Ordering::Relaxed);
            peer.enqueue(job).await;
        }));
    }
    for call in calls {
        call.await.expect("nothing panics");
    }
    done(&peer, jobs).await;
    let mut waited: Vec<u64> = (0..jobs as usize)
        .map(|job| BEGUN[job].load(Ordering::Relaxed).saturating_sub(SENT[job].load(Ordering::Relaxed)))
        .collect();
    waited.sort_unstable();
    let [median, p99, longest] =
        [waited.len() / 2, waited.len() * 99 / 100, waited.len() - 1].map(|index| waited[index] as f64 / 1e9);
    format!("{median} {p99} {longest}")
}

async fn send<P: Peer>(peer: &Arc<P>, jobs: u64, callers: u64) {
    let callers: Vec<_> = (0..callers)
        .map(|caller| {
            let (peer, step) = (Arc::clone(peer), callers as usize);
            tokio::spawn(async move {
                for job in (caller..jobs).step_by(step) {
                    peer.enqueue(job).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("nothing panics");
    }
}

async fn done<P: Peer>(peer: &Arc<P>, jobs: u64) {
    if jobs > 0 {
        ALL.notified().await;
    }
    while peer.left().await > 0 {
        sleep(Duration::from_millis(1)).await;
    }
}

async fn close<P: Peer>(peer: Arc<P>) {
    let Ok(peer) = Arc::try_unwrap(peer) else { panic!("nobody calls any more") };
    peer.close().await;
}
