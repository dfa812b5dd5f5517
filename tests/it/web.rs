//! Requests of axum programs: real servers on ports of the kernel's choice, real connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hostkit::axum::{Inject, InjectRejection};
use hostkit::{CancellationToken, Ext, Host, HostLifetime, Outcome, Queue, Ready, RunningHost, Scope, Scopes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tracing::Level;

use crate::support::{Log, Traced, started, until};

/// Whatever waits here goes on when the test lets it.
type Gate = Arc<Semaphore>;

/// Says when it is made and how it ends.
struct Unit {
    number: u32,
    log: Ext<Log>,
    gate: Ext<Gate>,
    spoiled: AtomicBool,
    slow: AtomicBool,
}

#[hostkit::scoped]
impl Unit {
    async fn new(log: Ext<Log>, gate: Ext<Gate>, counter: Ext<AtomicU32>) -> Self {
        let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
        log.say(format!("begin {number}"));
        Self { number, log, gate, spoiled: AtomicBool::new(false), slow: AtomicBool::new(false) }
    }

    async fn dispose(self, outcome: Outcome) -> Result<(), &'static str> {
        if self.slow.load(Ordering::Relaxed) {
            self.log.say("ending");
            self.gate.acquire().await.unwrap().forget();
        }
        self.log.say(format!("{outcome:?} {}", self.number));
        if self.spoiled.load(Ordering::Relaxed) { Err("the disk is full") } else { Ok(()) }
    }
}

/// Gets the same unit as whoever else is in the request.
#[hostkit::scoped]
struct Orders {
    unit: Arc<Unit>,
}

#[hostkit::queued]
async fn ship(number: u32, log: Ext<Log>) {
    log.say(format!("ship {number}"));
}

#[hostkit::queued]
async fn elsewhere(_number: u32) {}

#[hostkit::scoped]
struct Unregistered {}

#[hostkit::scoped]
struct Plain {}

#[hostkit::singleton]
async fn nothing() -> Result<std::net::IpAddr, std::net::AddrParseError> {
    "nowhere".parse()
}

#[hostkit::scoped]
struct Unbuildable {
    _address: Ext<std::net::IpAddr>,
}

/// A host, a server beside it, and what both say.
struct Site {
    running: RunningHost,
    address: String,
    log: Log,
    gate: Gate,
}

impl Site {
    async fn of(routes: Router) -> Self {
        let (log, gate) = (Log::default(), Gate::new(Semaphore::new(0)));
        let mut builder = Host::empty();
        builder.with::<Orders>().with::<ship>().with::<Plain>().with::<nothing>().with::<Unbuildable>();
        builder.provide(log.clone()).provide(Arc::clone(&gate)).provide(AtomicU32::new(0));
        let running = started(&mut builder).await;
        let address = serve(routes.layer(hostkit::axum::scopes(running.scopes()))).await;
        Self { running, address, log, gate }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        request(&self.address, "GET", path).await
    }
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends a request on a connection of its own.
async fn sent(address: &str, method: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The status and the body of the answer; 0 if there is none.
async fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return (0, text) };
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn request(address: &str, method: &str, path: &str) -> (u16, String) {
    answer(sent(address, method, path).await).await
}

#[tokio::test]
async fn a_request_has_one_scope_that_ends_before_it_is_answered() {
    async fn both(Inject(unit): Inject<Unit>, orders: Inject<Orders>, scope: Scope, log: Ext<Log>) -> String {
        assert!(Arc::ptr_eq(&unit, &orders.unit));
        assert!(Arc::ptr_eq(&unit, &scope.get::<Unit>().await.unwrap()));
        log.say(format!("handle {}", unit.number));
        unit.number.to_string()
    }
    let site = Site::of(Router::new().route("/", get(both))).await;
    for number in 1..=2 {
        assert_eq!(site.get("/").await, (200, number.to_string()));
        let lines = [format!("begin {number}"), format!("handle {number}"), format!("Succeeded {number}")];
        assert_eq!(site.log.take(), lines);
    }
    site.running.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_asks_for_nothing_has_no_scope() {
    async fn plain(lifetime: HostLifetime, queue: Queue<ship>) -> String {
        format!("{} {}", lifetime.environment(), queue.capacity())
    }
    async fn watched(request: Request, next: Next) -> Response {
        let parts = request.into_parts();
        let response = next.run(Request::from_parts(parts.0.clone(), parts.1)).await;
        // The layer has not ended it yet, and nobody has opened one.
        let mut parts = parts.0;
        let scope = Scope::from_request_parts(&mut parts, &()).await.unwrap();
        scope.get::<Unit>().await.unwrap().log.say("opened after the handler");
        response
    }
    let site = Site::of(Router::new().route("/plain", get(plain))).await;
    assert_eq!(site.get("/plain").await, (200, "production 100".to_owned()));
    assert_eq!(site.log.take(), [""; 0]);

    let routes = Router::new().route("/", get(plain)).layer(axum::middleware::from_fn(watched));
    let site = Site::of(routes).await;
    assert_eq!(site.get("/").await.0, 200);
    assert_eq!(site.log.take(), ["begin 1", "opened after the handler", "Succeeded 1"]);
}

#[tokio::test]
async fn the_outcome_is_what_the_answer_says() {
    async fn answers(Path(status): Path<u16>, _unit: Inject<Unit>) -> StatusCode {
        StatusCode::from_u16(status).unwrap()
    }
    async fn overrules(Path(status): Path<u16>, _unit: Inject<Unit>) -> impl IntoResponse {
        let outcome = if status < 500 { Outcome::Failed } else { Outcome::Succeeded };
        (StatusCode::from_u16(status).unwrap(), Extension(outcome))
    }
    let routes = Router::new().route("/{status}", get(answers)).route("/overrules/{status}", get(overrules));
    let site = Site::of(routes).await;
    for (path, status, outcome) in [
        ("/204", 204, "Succeeded"),
        ("/404", 404, "Succeeded"),
        ("/500", 500, "Failed"),
        ("/503", 503, "Failed"),
        ("/overrules/409", 409, "Failed"),
        ("/overrules/503", 503, "Succeeded"),
    ] {
        assert_eq!(site.get(path).await.0, status);
        let lines = site.log.take();
        assert!(lines[1].starts_with(outcome), "{path}: {lines:?}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_turns_the_answer_into_a_500() {
    async fn spoils(Path(status): Path<u16>, unit: Inject<Unit>) -> (StatusCode, &'static str) {
        unit.spoiled.store(true, Ordering::Relaxed);
        (StatusCode::from_u16(status).unwrap(), "mine")
    }
    let site = Site::of(Router::new().route("/{status}", get(spoils))).await;
    let (traced, _listening) = Traced::listen(Level::WARN);
    assert_eq!(site.get("/201?token=secret").await, (500, String::new()), "the client is told nothing");
    let logged = traced.lines();
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(logged[0].contains("ERROR hostkit::http") && logged[0].contains("request=GET /201 "), "{logged:?}");
    assert!(logged[0].contains("disposing `Unit` failed: the disk is full"), "{logged:?}");

    assert_eq!(site.get("/502").await, (502, "mine".to_owned()), "it had failed already");
    let logged = traced.lines();
    assert_eq!(logged.len(), 2, "{logged:?}");
    assert!(logged[1].contains("WARN hostkit::http"), "{logged:?}");
    assert_eq!(site.log.take(), ["begin 1", "Succeeded 1", "begin 2", "Failed 2"]);
}

#[tokio::test]
async fn a_component_that_is_kept_beyond_the_answer_fails_the_request() {
    async fn keeps(State(keeper): State<mpsc::UnboundedSender<Inject<Unit>>>, unit: Inject<Unit>) {
        keeper.send(unit).unwrap();
    }
    let (keeper, _kept) = mpsc::unbounded_channel();
    let site = Site::of(Router::new().route("/", get(keeps)).with_state(keeper)).await;
    let (traced, _listening) = Traced::listen(Level::ERROR);
    assert_eq!(site.get("/").await.0, 500);
    assert_eq!(traced.containing("something still holds an `Arc` of it").len(), 1, "{:?}", traced.lines());
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_request() {
    async fn waits(_unit: Inject<Unit>, log: Ext<Log>) {
        log.say("waiting");
        std::future::pending::<()>().await;
    }
    let site = Site::of(Router::new().route("/", get(waits))).await;
    let connection = sent(&site.address, "GET", "/").await;
    until("the handler waits", || site.log.lines().len() == 2).await;
    drop(connection);
    until("the scope has ended", || site.log.lines().len() == 3).await;
    assert_eq!(site.log.take(), ["begin 1", "waiting", "Cancelled 1"]);
}

#[tokio::test]
async fn a_commit_under_way_is_not_stopped_by_a_client_that_goes_away() {
    async fn slow(unit: Inject<Unit>) {
        unit.slow.store(true, Ordering::Relaxed);
    }
    struct Gone(Log);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.say("gone");
        }
    }
    async fn watched(State(log): State<Log>, request: Request, next: Next) -> Response {
        let _gone = Gone(log);
        next.run(request).await
    }
    let site = Site::of(Router::new()).await;
    let routes = Router::new().route("/", get(slow)).layer(hostkit::axum::scopes(site.running.scopes()));
    let address = serve(routes.layer(axum::middleware::from_fn_with_state(site.log.clone(), watched))).await;
    let connection = sent(&address, "GET", "/").await;
    until("the disposer has begun", || site.log.lines().len() == 2).await;
    drop(connection);
    until("the request is dropped", || site.log.lines().len() == 3).await;
    site.gate.add_permits(1);
    let log = site.log.clone();
    site.running.stop().await.unwrap();
    assert_eq!(log.lines(), ["begin 1", "ending", "gone", "Succeeded 1"]);
}

#[tokio::test]
async fn a_handler_that_panics_has_failed() {
    async fn panics(unit: Inject<Unit>) {
        assert_eq!(unit.number, 0, "it panics");
    }
    let site = Site::of(Router::new().route("/", get(panics))).await;
    assert_eq!(site.get("/").await.0, 0, "the connection is closed");
    let log = site.log.clone();
    site.running.stop().await.unwrap();
    assert_eq!(log.lines(), ["begin 1", "Failed 1"]);
}

#[tokio::test]
async fn what_cannot_be_given_is_a_500_and_an_error_that_says_what_to_do() {
    async fn unregistered(_: Inject<Unregistered>) {}
    async fn unbuildable(_: Inject<Unbuildable>) {}
    async fn foreign(_: Ext<u128>) {}
    async fn not_run(_: Queue<elsewhere>) {}
    async fn fine(_: Inject<Plain>) {}
    let routes = Router::new()
        .route("/unregistered", get(unregistered))
        .route("/unbuildable", get(unbuildable))
        .route("/foreign", get(foreign))
        .route("/queue", get(not_run))
        .route("/fine", get(fine));
    let bare = serve(routes.clone()).await;
    let site = Site::of(routes).await;
    let (traced, _listening) = Traced::listen(Level::WARN);
    for (address, path, said) in [
        (&bare, "/fine", "add `.layer(hostkit::axum::scopes(scopes))` to the router, after its routes"),
        (&site.address, "/unregistered", "cannot build `Unregistered`: it is not registered in this host"),
        (&site.address, "/unbuildable", ": its constructor failed: invalid IP address syntax"),
        (&site.address, "/foreign", "cannot build `Ext<u128>`: it is not registered in this host"),
        (&site.address, "/queue", "`elsewhere` does not run in this host, so it has no queue"),
    ] {
        assert_eq!(request(address, "GET", path).await, (500, String::new()), "{path}");
        let logged = traced.containing(said);
        assert_eq!(logged.len(), 1, "{path}: {:?}", traced.lines());
        assert!(logged[0].contains("ERROR hostkit::http") && logged[0].contains(path), "{logged:?}");
    }
    assert_eq!(traced.lines().len(), 5, "each is said once: {:?}", traced.lines());
    assert_eq!(site.get("/fine").await.0, 200);
}

#[tokio::test]
async fn a_handler_may_answer_a_rejection_itself_and_then_nothing_is_logged() {
    async fn own(asked: Result<Inject<Unregistered>, InjectRejection>) -> String {
        asked.map(drop).unwrap_err().to_string()
    }
    let site = Site::of(Router::new().route("/", get(own))).await;
    let (traced, _listening) = Traced::listen(Level::WARN);
    let said = "cannot build `Unregistered`: it is not registered in this host";
    assert_eq!(site.get("/").await, (200, said.to_owned()));
    assert_eq!(traced.lines(), [""; 0]);
}

#[tokio::test]
async fn after_the_stop_requests_are_answered_with_503_and_queues_give_payloads_back() {
    async fn injects(_: Inject<Unit>) {}
    async fn enqueues(State(queue): State<Queue<ship>>, asked: Queue<ship>) -> String {
        let error = queue.enqueue(7).await.unwrap_err();
        let asked = asked.try_enqueue(8).unwrap_err();
        format!("{} {} {} {}", error.is_closed(), error.into_payload(), asked.is_closed(), asked.into_payload())
    }
    let log = Log::default();
    let mut builder = Host::empty();
    builder.with::<Unit>().with::<ship>();
    builder.provide(log.clone()).provide(Gate::new(Semaphore::new(0))).provide(AtomicU32::new(0));
    let running = started(&mut builder).await;
    let routes = Router::new().route("/injects", get(injects)).route("/enqueues", post(enqueues));
    let routes = routes.with_state(running.queue::<ship>().unwrap());
    let address = serve(routes.layer(hostkit::axum::scopes(running.scopes()))).await;
    assert_eq!(request(&address, "GET", "/injects").await.0, 200);
    running.stop().await.unwrap();

    let (traced, _listening) = Traced::listen(Level::WARN);
    let stopping = (503, "this server is stopping".to_owned());
    assert_eq!(request(&address, "GET", "/injects").await, stopping);
    assert_eq!(traced.containing("WARN hostkit::http").len(), 1, "{:?}", traced.lines());
    assert_eq!(request(&address, "POST", "/enqueues").await, (200, "true 7 true 8".to_owned()));
    assert_eq!(log.lines(), ["begin 1", "Succeeded 1"]);
}

#[tokio::test]
async fn several_layers_of_one_host_open_one_scope_and_another_host_its_own() {
    async fn outer(unit: Inject<Unit>, log: Ext<Log>, request: Request, next: Next) -> Response {
        log.say(format!("outer {}", unit.number));
        drop(unit);
        next.run(request).await
    }
    async fn inner(unit: Inject<Unit>, log: Ext<Log>) {
        log.say(format!("inner {}", unit.number));
    }
    let (mine, other) = (Site::of(Router::new()).await, Site::of(Router::new()).await);
    for (inner_host, lines) in [
        (&mine, &["begin 1", "outer 1", "inner 1", "Succeeded 1"][..]),
        (&other, &["begin 2", "outer 2", "Succeeded 2"]),
    ] {
        let routes = Router::new()
            .route("/", get(inner))
            .layer(hostkit::axum::scopes(inner_host.running.scopes()))
            .layer(axum::middleware::from_fn(outer))
            .layer(hostkit::axum::scopes(mine.running.scopes()));
        let address = serve(routes).await;
        assert_eq!(request(&address, "GET", "/").await.0, 200);
        assert_eq!(mine.log.take(), lines);
    }
    assert_eq!(other.log.lines(), ["begin 1", "inner 1", "Succeeded 1"]);
}

/// Serves until it is told to stop, and then what is under way.
#[hostkit::background_service]
async fn site(scopes: Scopes, address: Ext<mpsc::UnboundedSender<String>>, ready: Ready, stop: CancellationToken) {
    async fn waits(unit: Inject<Unit>, gate: Ext<Gate>, queue: Queue<ship>) -> (StatusCode, String) {
        unit.log.say("waiting");
        gate.acquire().await.unwrap().forget();
        let receipt = queue.enqueue(unit.number).await;
        (StatusCode::ACCEPTED, receipt.is_ok().to_string())
    }
    let app = Router::new().route("/", get(waits)).layer(hostkit::axum::scopes(scopes));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    address.send(listener.local_addr().unwrap().to_string()).unwrap();
    ready.notify();
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_at_the_stop_is_served_to_its_end_and_what_it_enqueued_is_done() {
    let (log, gate) = (Log::default(), Gate::new(Semaphore::new(0)));
    let (address, mut addresses) = mpsc::unbounded_channel::<String>();
    let mut builder = Host::empty();
    builder.with::<site>().with::<Unit>().with::<ship>();
    builder.provide(log.clone()).provide(Arc::clone(&gate)).provide(AtomicU32::new(0)).provide(address);
    let running = started(&mut builder).await;
    let address = addresses.recv().await.unwrap();
    let connection = sent(&address, "GET", "/").await;
    until("the handler waits", || log.lines().len() == 2).await;
    running.lifetime().request_stop();
    let stopped = tokio::spawn(running.stop());
    // The server is told by now, and refuses whoever comes.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.lines(), ["begin 1", "waiting"]);
    gate.add_permits(1);
    assert_eq!(answer(connection).await, (202, "true".to_owned()));
    stopped.await.unwrap().unwrap();
    let mut lines = log.take();
    lines[2..].sort_unstable();
    assert_eq!(lines, ["begin 1", "waiting", "Succeeded 1", "ship 1"]);
}
