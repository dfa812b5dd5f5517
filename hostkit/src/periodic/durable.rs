//! Durable schedules: every instant is a job in the store, and runs wherever there is a worker for it.
//!
//! # Invariants
//!
//! 1. Instants depend on the schedule and the calendar alone, so every process knows the same ones: `every` counts from the beginning
//!    of 1970, not from the start of a host.
//! 2. Each instant is stored once, whoever comes first. Nobody leads.
//! 3. What becomes of instants that passed while nobody was there is decided by [`Course`] from the last one that the store has.
//! 4. A run that has not begun stands for the instants that come due meanwhile, unless `missed` is `"all"`.

mod course;
mod occasion;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::time::sleep;

use self::course::Course;
use self::occasion::Occasion;
use super::options::{Missed, Options, Overlap, Schedule};
use super::ticker::Ticker;
use crate::component::{InjectError, RunFailure};
use crate::error::WithCauses;
use crate::function::Call;
use crate::queue::{DurableOptions, DurableRunner, Handler, Jobs};
use crate::registry::ServiceEntry;
use crate::runner::{Bind, Conduct, End, Runner, Setup, Upcoming, bind};
use crate::store::{Due, Enqueued, NewJob, Rejection, Store, StoreError, Timestamp, Unique, UniqueMode};
use crate::time::clock_set;

/// How many runs go beside each other where they may.
const BESIDE: usize = 16;
/// How long a store that could not do what it was asked is left alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// The calendar is looked at that often, whatever comes next: the machine may have slept.
const LOOK: Duration = Duration::from_mins(1);

/// One durable periodic function in one host.
pub(super) struct DurableTicker {
    name: &'static str,
    options: Options,
    jobs: Arc<Jobs>,
    /// Works on what is stored.
    worker: Arc<DurableRunner>,
    /// Runs it out of turn.
    beside: Arc<Ticker>,
}

/// Reads a durable periodic function's options.
pub(crate) fn set_up<H: Call>(setup: Setup<'_>) -> Arc<dyn Runner> {
    let Setup { entry, name, mut settings, problems, jobs, .. } = setup;
    let options = read(&mut settings, entry, problems);
    let concurrency = if options.overlap == Overlap::Allow { BESIDE } else { 1 };
    let durable = DurableOptions::of_occurrences(&mut settings, concurrency, options.overlap == Overlap::Forbid);
    problems.extend(settings.finish(&["durable"]));
    jobs.used();
    let (schedule, missed) = (options.schedule.clone(), options.missed);
    let handler = move |conduct: &Conduct| -> Result<Box<dyn Handler>, InjectError> {
        Ok(Box::new(Occasion::new(bind::<H>(conduct)?, conduct, schedule.clone(), missed)))
    };
    let bind: Bind = bind::<H>;
    Arc::new(DurableTicker {
        name,
        worker: Arc::new(DurableRunner::of(name, durable, Arc::clone(jobs), Box::new(handler))),
        beside: Arc::new(Ticker::new(options.clone(), bind)),
        options,
        jobs: Arc::clone(jobs),
    })
}

fn read(
    settings: &mut crate::config::Settings,
    entry: &ServiceEntry,
    problems: &mut Vec<crate::error::Problem>,
) -> Options {
    let options = Options::read(settings, entry, problems);
    if options.run_at_start {
        let help = "remove it: an instant that passed while nobody was there is made up for, as `missed` says";
        settings.refuse("run_at_start", "is not an option of a durable function", help);
    }
    if options.overlap == Overlap::CancelPrevious {
        let help = "write \"forbid\" or \"allow\": the former run may be in another process";
        settings.refuse("overlap", "is not an option of a durable function with this value", help);
    }
    options
}

impl DurableTicker {
    /// Stores the instants as they come, until it is stopped.
    async fn keep_time(&self, conduct: &Conduct) {
        let mut course: Option<Course<'_>> = None;
        while !conduct.is_stopping() {
            let set = clock_set();
            let now = conduct.clock.read().wall;
            let Some(store) = self.jobs.opened() else { return };
            let wait = match self.go_on(&*store, &mut course, now).await {
                Ok(wait) => wait.min(LOOK),
                Err(error) => {
                    if !error.is_fatal() {
                        let service = self.name;
                        tracing::warn!(target: "hostkit::periodic", service, error = %WithCauses(&error), "an instant could not be stored; trying again");
                    }
                    PATIENCE
                }
            };
            tokio::select! {
                biased;
                () = conduct.stop.cancelled() => return,
                () = sleep(wait) => {}
                () = set => {}
            }
        }
    }

    /// Stores what is due, and says how long there is nothing more.
    async fn go_on<'s>(
        &'s self,
        store: &dyn Store,
        course: &mut Option<Course<'s>>,
        now: SystemTime,
    ) -> Result<Duration, StoreError> {
        let course = match course {
            Some(course) => course,
            None => {
                let last = store.last_occurrence(self.name).await?;
                course.insert(Course::new(&self.options.schedule, self.options.missed, last.map(Into::into), now))
            }
        };
        while let Some(due) = course.due(now) {
            let occasion = occasion::Due { at: Timestamp::from(due.time).as_micros(), missed: due.missed };
            self.store(store, due.time, occasion).await?;
            course.stored(due);
        }
        Ok(course.wait(now))
    }

    async fn store(&self, store: &dyn Store, time: SystemTime, occasion: occasion::Due) -> Result<(), StoreError> {
        let mut job = NewJob::new(self.name, occasion.to_json());
        let jitter = self.options.jitter.unwrap_or_default();
        let after = Duration::from_nanos(fastrand::u64(0..=u64::try_from(jitter.as_nanos()).unwrap_or(u64::MAX)));
        job.due = Due::At(Timestamp::from(time).after(after));
        if self.options.overlap == Overlap::Forbid {
            job.serial_key = Some(String::new());
        }
        if self.options.missed != Missed::All {
            // Invariant 4.
            job.unique = Some(Unique { key: String::new(), mode: UniqueMode::WhilePending });
        }
        let answer = store.enqueue_occurrence(self.name, Timestamp::from(time), job).await?;
        if let Enqueued::Rejected(rejection) = answer
            && !matches!(rejection, Rejection::Duplicate(_))
        {
            tracing::error!(target: "hostkit::periodic", service = self.name, error = %rejection, "an instant was not stored");
        }
        Ok(())
    }
}

impl Runner for DurableTicker {
    fn stop_timeout(&self) -> Option<Duration> {
        self.options.stop_timeout
    }

    fn summary(&self) -> String {
        format!("{}, {}", self.options, self.worker.occurrences())
    }

    fn schedule(&self) -> Option<String> {
        Some(match &self.options.schedule {
            Schedule::Every(every) => format!("every {} of the calendar (UTC)", crate::time::show_duration(*every)),
            Schedule::Cron(_) => self.options.schedule.in_words(),
        })
    }

    fn upcoming(&self) -> Vec<Upcoming> {
        let now = crate::time::Clock::default().read();
        match &self.options.schedule {
            Schedule::Cron(_) => self.options.upcoming(&now),
            Schedule::Every(_) => course::upcoming(&self.options.schedule, now.wall),
        }
    }

    fn run(self: Arc<Self>, conduct: Conduct) -> BoxFuture<'static, End> {
        Box::pin(async move {
            let working = Arc::clone(&self.worker).run(conduct.clone());
            let mut working = std::pin::pin!(working);
            // What the second loses is the wait for the next instant, or an answer that the store gives to whoever asks next.
            tokio::select! {
                biased;
                end = &mut working => return end,
                () = async {
                    conduct.status.been_ready().await;
                    self.keep_time(&conduct).await;
                } => {}
            }
            working.await
        })
    }

    fn trigger(self: Arc<Self>, conduct: Conduct) -> Option<BoxFuture<'static, Result<(), RunFailure>>> {
        Arc::clone(&self.beside).trigger(conduct)
    }
}
