use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::runtime::Handle;

use super::{poke, side};
use crate::time::real_now;
use crate::{CancellationToken, Ext, Host, HostBuilder, RunningHost, ServiceState};

/// Makes the next round panic.
pub(super) static KILLED: AtomicBool = AtomicBool::new(false);

/// What everything here must have happened within.
const LIMIT: Duration = Duration::from_secs(5);

#[crate::background_service]
async fn idle(stop: CancellationToken) {
    stop.cancelled().await;
}

type Release = Mutex<mpsc::Receiver<()>>;

#[crate::background_service]
async fn blocks(release: Ext<Release>, stop: CancellationToken) {
    tokio::task::yield_now().await;
    // Until somebody says so, or is gone.
    release.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    stop.cancelled().await;
}

async fn started(builder: &mut HostBuilder) -> RunningHost {
    builder.build().await.unwrap().start().await.unwrap()
}

/// Waits on the machine's clock, on a thread that no service can block.
fn within_the_limit(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = real_now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    began.elapsed()
}

#[tokio::test]
async fn a_reaper_that_is_killed_is_started_again_and_loses_nothing() {
    for _ in 0..2 {
        let running = started(Host::empty().with::<idle>()).await;
        running.running.watched.kill_the_reaper();
        tokio::task::yield_now().await;
        let answered = tokio::time::timeout(LIMIT, running.running.container.reaped()).await;
        assert!(answered.is_ok(), "it works again");
        assert!(running.health().is_healthy(), "{}", running.health());
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_host_whose_supervisor_is_killed_stops_and_says_so() {
    let mut running = started(Host::empty().with::<idle>()).await;
    running.running.watched.kill_the_supervisor();
    let ended = tokio::time::timeout(LIMIT, running.wait()).await.expect("it stops");
    let error = ended.unwrap_err();
    assert_eq!(error.to_string(), "service `hostkit's supervisor` was dropped before it finished");
    assert_eq!(error.exit_code(), 1);
    assert_eq!(running.status_of::<idle>(), Some(ServiceState::Stopped));
}

#[test]
fn a_host_whose_only_thread_is_blocked_says_so_and_is_healthy_again_afterwards() {
    let (release, blocked) = mpsc::channel();
    let (sender, lifetime) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut builder = Host::empty();
            builder.with::<blocks>().provide(Release::new(blocked)).set("host.stall_after", "200ms");
            let host = builder.build().await.unwrap();
            sender.send(host.lifetime.clone()).unwrap();
            host.start().await.unwrap().wait().await
        })
    });
    let lifetime = lifetime.recv().unwrap();
    assert!(lifetime.health().is_healthy());
    within_the_limit("it is unhealthy", || !lifetime.health().is_healthy());
    let problems = lifetime.health().to_string();
    assert!(problems.starts_with("the runtime has not come round to hostkit's tasks for 3s"), "{problems}");
    assert!(problems.contains("`blocks` holds a thread for "), "{problems}");
    release.send(()).unwrap();
    within_the_limit("it is healthy again", || lifetime.health().is_healthy());
    lifetime.request_stop();
    thread.join().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_holds_one_of_several_threads_is_shown_and_leaves_the_host_healthy() {
    let (release, blocked) = mpsc::channel();
    let mut builder = Host::empty();
    builder.with::<blocks>().with::<idle>().provide(Release::new(blocked)).set("host.stall_after", "100ms");
    let running = started(&mut builder).await;
    let stalled = || running.status().into_iter().map(|service| service.stalled).collect::<Vec<_>>();
    let took = within_the_limit("it is shown", || stalled()[0].is_some());
    assert!(took < LIMIT / 2, "{took:?}");
    assert!(stalled()[0] >= Some(Duration::from_millis(100)), "{:?}", stalled());
    assert_eq!(stalled()[1], None);
    assert!(running.health().is_healthy(), "{}", running.health());
    release.send(()).unwrap();
    within_the_limit("it is shown no more", || stalled()[0].is_none());
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_none_nobody_is_watched() {
    let (release, blocked) = mpsc::channel();
    let mut builder = Host::empty();
    builder.with::<blocks>().provide(Release::new(blocked)).set("host.stall_after", "none");
    let running = started(&mut builder).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(running.status()[0].stalled, None);
    release.send(()).unwrap();
    running.stop().await.unwrap();
}

/// Whether the side thread sees reason to look at a host in every round.
fn is_quiet(running: &RunningHost) -> bool {
    let watched = &running.running.watched;
    side().hosts.iter().any(|host| Arc::ptr_eq(&host.watched, watched) && host.concern.is_quiet)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_is_left_alone_while_nothing_is_at_risk() {
    let (release, blocked) = mpsc::channel();
    let calm = started(Host::empty().with::<idle>()).await;
    let mut builder = Host::empty();
    builder.with::<blocks>().provide(Release::new(blocked)).set("host.stall_after", "100ms");
    let risky = started(&mut builder).await;
    within_the_limit("one is calm", || is_quiet(&calm));
    within_the_limit("the other is not", || !is_quiet(&risky) && risky.status()[0].stalled.is_some());
    release.send(()).unwrap();
    within_the_limit("it is again", || is_quiet(&risky));
    let asked = || side().probes.iter().filter(|probe| probe.runtime.id() == Handle::current().id()).count();
    assert_eq!(asked(), 1, "both are on one runtime");
    calm.stop().await.unwrap();
    risky.stop().await.unwrap();
    within_the_limit("nobody asks for a runtime without hosts", || asked() == 0);
}

/// A process of its own, because a signal concerns all of it.
#[test]
#[ignore = "the test below runs it as a child process"]
fn child_whose_side_thread_is_killed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        let host = Host::empty().with::<idle>().build().await.unwrap();
        let lifetime = host.lifetime.clone();
        std::thread::spawn(move || {
            within_the_limit("it starts", || lifetime.started().is_cancelled());
            for _ in 0..3 {
                KILLED.store(true, Ordering::SeqCst);
                poke();
                within_the_limit("the thread panics", || !KILLED.load(Ordering::SeqCst));
            }
            println!("killed");
        });
        host.run().await
    });
    ended.unwrap();
    println!("ended well");
}

#[test]
fn the_side_thread_hears_signals_again_after_it_has_panicked() {
    let program = std::env::current_exe().unwrap();
    let test = "host::watch::tests::child_whose_side_thread_is_killed";
    let arguments = ["--exact", test, "--ignored", "--nocapture"];
    let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("killed") && !line.contains("test ")), "it says so");
    let began = real_now();
    let signal = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", child.id())).status().unwrap();
    assert!(signal.success());
    let said: Vec<_> = lines.collect();
    assert!(child.wait().unwrap().success(), "{said:?}");
    assert!(said.iter().any(|line| line.contains("ended well")), "{said:?}");
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
}
