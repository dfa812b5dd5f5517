//! The dispatcher and the runner over a store that fails.

mod unsteady;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use self::unsteady::{Fault, Of, Unsteady};
use super::handler::{Handler, Unreadable};
use super::options::Options;
use super::runner::DurableRunner;
use super::{Jobs, dispatch};
use crate::component::{Context, Limits, Plan, RunFailure};
use crate::runner::rig::{Rig, Script, job, settle};
use crate::runner::{Conduct, End, Runner, ServiceState};
use crate::store::{JobId, JobView, NewJob, State, Store};
use crate::time::now;

const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_mins(1);

/// When runs began and how they ended.
type Diary = Arc<Mutex<Vec<(&'static str, Instant)>>>;

/// Takes as long as its payload says, in seconds.
struct Takes {
    plan: Arc<Plan>,
    diary: Diary,
}

impl Handler for Takes {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn call<'c>(
        &'c self,
        payload: &[u8],
        _context: Context,
        limits: Limits<'c>,
    ) -> Result<BoxFuture<'c, Result<(), RunFailure>>, Unreadable> {
        let seconds = std::str::from_utf8(payload).unwrap().parse().unwrap();
        let note = |what| self.diary.lock().unwrap().push((what, now()));
        Ok(Box::pin(async move {
            note("begins");
            tokio::select! {
                () = sleep(SECOND * seconds) => {
                    note("ends");
                    Ok(())
                }
                () = limits.drop_on.unwrap().cancelled() => {
                    note("is dropped");
                    Err(RunFailure::Dropped)
                }
            }
        }))
    }
}

/// A host's durable jobs and one function, without the host.
struct Bench {
    store: Arc<Unsteady>,
    jobs: Arc<Jobs>,
    conduct: Conduct,
    runner: Arc<DurableRunner>,
    end: JoinHandle<End>,
    diary: Diary,
}

impl Bench {
    async fn new() -> Self {
        let conduct = Rig::new::<job>(&[], Script::supplied(|_| std::future::pending())).conduct;
        let (store, jobs) = (Arc::new(Unsteady::new()), Arc::new(Jobs::new(LEASE)));
        let diary = Diary::default();
        jobs.open(Arc::clone(&store) as Arc<dyn Store>);
        conduct.tasks.spawn("dispatcher", dispatch(Arc::clone(&jobs), conduct.tasks.clone()));
        let noted = Arc::clone(&diary);
        let bind = move |conduct: &Conduct| {
            let handler = Takes { plan: Arc::clone(&conduct.plan), diary: Arc::clone(&noted) };
            Ok(Box::new(handler) as Box<dyn Handler>)
        };
        let runner = Arc::new(DurableRunner::of("takes", Options::default(), Arc::clone(&jobs), Box::new(bind)));
        let running = Arc::clone(&runner).run(conduct.clone());
        let end = conduct.tasks.spawn("runner", running);
        settle().await;
        Self { store, jobs, conduct, runner, end, diary }
    }

    async fn put(&self, seconds: u32) -> JobId {
        let job = NewJob::new("takes", seconds.to_string());
        let id = job.id;
        self.store.enqueue(vec![job]).await.unwrap();
        id
    }

    async fn show(&self, id: JobId) -> JobView {
        self.store.show(id).await.unwrap().unwrap()
    }

    /// What was noted, without the times.
    fn noted(&self) -> Vec<&'static str> {
        self.diary.lock().unwrap().iter().map(|(what, _)| *what).collect()
    }

    /// When it was noted for the first time.
    fn time_of(&self, what: &str) -> Instant {
        self.diary.lock().unwrap().iter().find(|(noted, _)| *noted == what).expect("it was noted").1
    }

    async fn until_done(&self, id: JobId) -> Duration {
        let began = now();
        while self.show(id).await.state != State::Done {
            assert!(began.elapsed() < LEASE * 10, "{:?}", self.show(id).await);
            sleep(SECOND / 100).await;
        }
        began.elapsed()
    }

    async fn stop(self) -> End {
        self.conduct.stop.cancel();
        let end = self.end.await.unwrap();
        self.jobs.end().await;
        end
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_answered_is_cleared_up_and_its_job_runs_once() {
    for fault in [Fault::DoneUnknown, Fault::NotDoneUnknown, Fault::Refused] {
        let bench = Bench::new().await;
        bench.store.fail(Of::Claim, [fault]);
        let id = bench.put(1).await;
        assert!(bench.until_done(id).await < SECOND * 5, "{fault:?}");
        assert_eq!(bench.noted(), ["begins", "ends"], "{fault:?}");
        let job = bench.show(id).await;
        assert_eq!((job.failures, job.crashes), (0, 0), "{fault:?}");
        assert!(matches!(bench.stop().await, End::Done));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_answered_is_said_again_until_it_is() {
    for faults in [vec![Fault::DoneUnknown], vec![Fault::NotDoneUnknown], vec![Fault::Refused; 5]] {
        let bench = Bench::new().await;
        bench.store.fail(Of::Finish, faults.clone());
        let ids = [bench.put(1).await, bench.put(1).await, bench.put(1).await];
        for id in ids {
            bench.until_done(id).await;
        }
        assert_eq!(bench.noted(), ["begins", "ends", "begins", "ends", "begins", "ends"], "{faults:?}");
        let ended = bench.time_of("ends");
        let waited = bench.diary.lock().unwrap()[4].1 - ended;
        // The second was claimed together with the outcome of the first; no other is before that is stored.
        assert!(waited >= SECOND * u32::try_from(faults.len()).unwrap(), "{faults:?}: {waited:?}");
        assert_eq!(bench.runner.counts().unwrap().done, 3);
        assert!(matches!(bench.stop().await, End::Done));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_until_what_became_of_jobs_is_stored() {
    let bench = Bench::new().await;
    bench.store.fail(Of::Finish, [Fault::Refused; 3]);
    let id = bench.put(1).await;
    while bench.noted() != ["begins", "ends"] {
        sleep(SECOND / 10).await;
    }
    bench.conduct.stop.cancel();
    assert!(matches!(bench.end.await, Ok(End::Done)));
    assert_eq!(bench.store.show(id).await.unwrap().unwrap().state, State::Done);
    bench.jobs.end().await;
    assert!(bench.store.show(id).await.is_err_and(|error| error.is_closed()));
}

#[tokio::test(start_paused = true)]
async fn what_runs_is_dropped_before_another_can_have_it() {
    let bench = Bench::new().await;
    let id = bench.put(1000).await;
    sleep(SECOND).await;
    // From here on no beat is answered. The last that was, was sent when the owner was registered or later.
    bench.store.fail(Of::Beat, [Fault::Silence; 100]);
    let began = now();
    while bench.noted() == ["begins"] {
        sleep(SECOND / 10).await;
    }
    let dropped = bench.time_of("is dropped") - began;
    // Five sixths of the lease, less the third of it that a beat may be old.
    assert!((SECOND * 29..=SECOND * 50).contains(&dropped), "{dropped:?}");
    // Nobody had it meanwhile, it is no failure, and it runs again under another lease.
    bench.store.fail(Of::Beat, []);
    while bench.noted().len() < 3 {
        sleep(SECOND / 10).await;
    }
    let job = bench.show(id).await;
    assert_eq!((bench.noted()[2], job.failures), ("begins", 0));
    bench.conduct.abandon.cancel();
    assert!(matches!(bench.stop().await, End::Abandoned | End::Done));
}

#[tokio::test(start_paused = true)]
async fn who_is_declared_dead_drops_what_runs_and_begins_anew() {
    let bench = Bench::new().await;
    let id = bench.put(30).await;
    sleep(SECOND).await;
    *bench.store.says_lost.lock().unwrap() = true;
    bench.until_done(id).await;
    assert_eq!(bench.noted(), ["begins", "is dropped", "begins", "ends"]);
    assert_eq!(bench.show(id).await.failures, 0);
    assert!(matches!(bench.stop().await, End::Done));
}

#[tokio::test(start_paused = true)]
async fn a_heart_that_panics_ends_the_lease_and_another_takes_its_place() {
    let bench = Bench::new().await;
    let id = bench.put(30).await;
    sleep(SECOND).await;
    bench.store.fail(Of::Beat, [Fault::Panic]);
    bench.until_done(id).await;
    assert_eq!(bench.noted(), ["begins", "is dropped", "begins", "ends"]);
    assert_eq!(bench.show(id).await.failures, 0);
    // The new one beats.
    let next = bench.put(300).await;
    bench.until_done(next).await;
    assert_eq!(bench.noted().len(), 6);
    assert!(matches!(bench.stop().await, End::Done));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_good_is_a_failure_of_the_function() {
    for of in [Of::Claim, Of::Finish] {
        let bench = Bench::new().await;
        bench.store.fail(of, [Fault::Fatal]);
        bench.put(1).await;
        let Bench { end, conduct, jobs, .. } = bench;
        let End::Failed(failure) = end.await.unwrap() else { panic!("it goes on") };
        assert!(failure.to_string().starts_with("its store has failed: cannot do what a test asked for"), "{failure}");
        assert!(matches!(conduct.status.state(), ServiceState::Failed { .. }));
        assert!(jobs.broken().is_some());
        jobs.end().await;
    }
}
