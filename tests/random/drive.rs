//! One random host, from its build to the last of its scopes, on a paused clock.

use std::fmt::{self, Display};
use std::time::Duration;

use hostkit::{Host, HostBuilder, ServiceStatus};
use tokio::time::{sleep, sleep_until, timeout};

use crate::listen::hear;
use crate::plan::{Kind, Mode, OnComplete, OnFailure, Plan};
use crate::pool;
use crate::script::{Event, Script, What};

/// No host lives longer; each is asked to stop before.
const HORIZON: Duration = Duration::from_mins(5);

/// What became of a host.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) events: Vec<Event>,
    pub(crate) result: Ended,
    /// A look at its services while it ran, and when that was.
    pub(crate) seen: Option<(u64, Vec<ServiceStatus>)>,
    /// The last look at its services.
    pub(crate) last: Option<Vec<ServiceStatus>>,
    /// Tasks that are left a minute later.
    pub(crate) left_tasks: usize,
    pub(crate) origin: tokio::time::Instant,
}

#[derive(Debug)]
pub(crate) enum Ended {
    /// Nobody waited for it.
    Abandoned,
    Well,
    NotStarted {
        text: String,
        code: u8,
    },
    Badly {
        text: String,
        code: u8,
    },
    Never,
}

impl Life {
    /// Whether the report says that a scope did not end within its time.
    pub(crate) fn left_a_scope(&self) -> bool {
        let says_so = |event: &Event| match &event.what {
            What::Logged(_, text) => text.starts_with("`a scope` was still being closed"),
            _ => false,
        };
        self.events.iter().any(says_so)
    }
}

impl Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Event { at, what, task } in &self.events {
            writeln!(f, "{at:>7} {:>5} {what:?}", task.map_or(String::new(), |task| task.to_string()))?;
        }
        writeln!(f, "{:?}", self.result)
    }
}

/// Runs the host of this plan.
pub(crate) fn drive(plan: &Plan) -> Life {
    // The delays of restarts are random, too.
    fastrand::seed(plan.seed);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true);
    if plan.mode == Mode::Run {
        // For the signals.
        runtime.enable_io();
    }
    let life = runtime.build().unwrap().block_on(live(plan));
    hear(None);
    life
}

async fn live(plan: &Plan) -> Life {
    let script = Script::new(plan);
    hear(Some(script.clone()));
    let mut builder = Host::empty();
    pool::add(&mut builder, &script);
    configure(&mut builder, plan);
    let host = builder.build().await.unwrap_or_else(|error| panic!("HOSTKIT_SEED={}: {error}", plan.seed));
    drop(builder);
    let asker = script.clone();
    let asker = tokio::spawn(async move {
        sleep_until(asker.origin() + Duration::from_millis(asker.plan().stop_at)).await;
        asker.ask().await;
    });
    let (mut seen, mut last) = (None, None);
    let living = async {
        match plan.mode {
            Mode::Run => match host.run().await {
                Ok(()) => Ended::Well,
                Err(error) if error.is_start() => {
                    Ended::NotStarted { text: error.to_string(), code: error.exit_code() }
                }
                Err(error) => Ended::Badly { text: error.to_string(), code: error.exit_code() },
            },
            Mode::Abandon(after) => {
                let began = timeout(Duration::from_millis(after), host.start()).await;
                script.log(What::Asked);
                drop(began);
                Ended::Abandoned
            }
            Mode::Start(after) => match host.start().await {
                Err(error) => Ended::NotStarted { text: error.to_string(), code: error.exit_code() },
                Ok(mut running) => {
                    if let Ok(ended) = timeout(Duration::from_millis(after), running.wait()).await {
                        last = Some(running.status());
                        match ended {
                            Ok(()) => Ended::Well,
                            Err(error) => Ended::Badly { text: error.to_string(), code: error.exit_code() },
                        }
                    } else {
                        let at = script.origin().elapsed().as_millis();
                        seen = Some((u64::try_from(at).unwrap(), running.status()));
                        let ended = running.wait().await;
                        last = Some(running.status());
                        match ended {
                            Ok(()) => Ended::Well,
                            Err(error) => Ended::Badly { text: error.to_string(), code: error.exit_code() },
                        }
                    }
                }
            },
        }
    };
    let result = timeout(HORIZON, living).await.unwrap_or(Ended::Never);
    script.log(What::Returned);
    asker.abort();
    // Whatever is still under way is seen as well.
    sleep(Duration::from_mins(1)).await;
    let left_tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    Life { events: script.take(), result, seen, last, left_tasks, origin: script.origin() }
}

fn configure(builder: &mut HostBuilder, plan: &Plan) {
    let millis = |value: u64| format!("{value}ms");
    builder.set("host.stop_timeout", millis(plan.stop_timeout)).set("host.drain_delay", millis(plan.drain_delay));
    for service in &plan.services {
        let attribute = match service.of.kind {
            Kind::Background => "background_service",
            Kind::Periodic => "periodic",
            Kind::Queued => "queued",
        };
        let mut set = |key: &str, value: String| {
            builder.set(format!("{attribute}.{}.{key}", service.name()), value);
        };
        if let Some(limit) = service.stop_timeout {
            set("stop_timeout", millis(limit));
        }
        let on_failure = match service.on_failure {
            OnFailure::StopHost => "stop-host",
            OnFailure::Restart => "restart",
            OnFailure::Ignore => "ignore",
            OnFailure::Continue => "continue",
        };
        set("on_failure", on_failure.to_owned());
        if service.of.kind == Kind::Background {
            let on_complete = match service.on_complete {
                OnComplete::Done => "done",
                OnComplete::KeepRunning => "keep-running",
                OnComplete::StopHost => "stop-host",
                OnComplete::Restart => "restart",
            };
            set("on_complete", on_complete.to_owned());
            set("backoff", format!("{}ms..{}ms", service.backoff.0, service.backoff.1));
            set("max_restarts", service.max_restarts.to_string());
            set("within", millis(service.within));
            set("instances", service.instances.to_string());
            if let Some(limit) = service.start_timeout {
                set("start_timeout", millis(limit));
            }
        } else if let Some(limit) = service.timeout {
            set("timeout", millis(limit));
        }
        match service.of.kind {
            Kind::Periodic => {
                set("every", millis(service.every));
                set("run_at_start", service.run_at_start.to_string());
            }
            Kind::Queued => {
                set("concurrency", service.concurrency.to_string());
                set("drain", service.drain.to_string());
            }
            Kind::Background => {}
        }
    }
    for hook in &plan.hooks {
        if let Some(limit) = hook.timeout {
            let attribute = match hook.stage {
                crate::plan::Stage::Start => "on_start",
                crate::plan::Stage::Started => "on_started",
                crate::plan::Stage::Stopping => "on_stopping",
                crate::plan::Stage::Stopped => "on_stopped",
            };
            builder.set(format!("{attribute}.{}.timeout", hook.name), millis(limit));
        }
    }
}
