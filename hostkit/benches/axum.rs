//! What a scope per request costs: in the process, without HTTP, against the same router without the layer.

#![allow(clippy::disallowed_methods, reason = "code written by hand is written as one would")]
#![allow(missing_docs, reason = "a bench has no readers but its own")]

mod measure;

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use hostkit::axum::Inject;
use hostkit::{Host, Outcome, RunningHost};
use measure::Bar;
use tokio::runtime::Runtime;
use tower_layer::Layer;
use tower_service::Service;

/// How many requests one turn makes.
const COUNT: u32 = 1_000;
/// How many turns there are.
const TURNS: usize = 101;

struct Unit {
    number: u64,
}

#[hostkit::scoped]
impl Unit {
    async fn new() -> Self {
        Self { number: black_box(7) }
    }

    async fn dispose(self, outcome: Outcome) {
        black_box((self.number, outcome));
    }
}

async fn plain() {}

async fn injects(unit: Inject<Unit>) {
    black_box(unit.number);
}

async fn by_hand(Extension(unit): Extension<Arc<Unit>>) {
    black_box(unit.number);
}

/// A layer that does nothing, because axum's router pays for every layer.
#[derive(Clone)]
struct Idle<S>(S);

struct IdleLayer;

impl Clone for IdleLayer {
    fn clone(&self) -> Self {
        Self
    }
}

impl<S> Layer<S> for IdleLayer {
    type Service = Idle<S>;

    fn layer(&self, inner: S) -> Idle<S> {
        Idle(inner)
    }
}

impl<S: Service<Request>> Service<Request> for Idle<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        self.0.call(request)
    }
}

/// Makes a unit for every request and ends it when that is answered, as one writes it by hand.
async fn unit_by_hand(mut request: Request, next: axum::middleware::Next) -> Response {
    let unit = Arc::new(Unit { number: black_box(7) });
    request.extensions_mut().insert(Arc::clone(&unit));
    let response = next.run(request).await;
    if let Some(unit) = Arc::into_inner(unit) {
        let failed = response.status().is_server_error();
        black_box((unit.number, if failed { Outcome::Failed } else { Outcome::Succeeded }));
    }
    response
}

struct Routers {
    _running: RunningHost,
    idle: Router,
    layered: Router,
    by_hand: Router,
}

impl Routers {
    async fn make() -> Self {
        let host = Host::empty().with::<plain_queue>().with::<Unit>().build().await.expect("the wiring is whole");
        let running = host.start().await.expect("nothing can fail");
        let routes = || Router::new().route("/plain", get(plain)).route("/injects", get(injects));
        Self {
            idle: routes().layer(IdleLayer),
            layered: routes().layer(hostkit::axum::scopes(running.scopes())),
            by_hand: Router::new().route("/injects", get(by_hand)).layer(axum::middleware::from_fn(unit_by_hand)),
            _running: running,
        }
    }
}

/// A host has to have something to run.
#[hostkit::queued]
async fn plain_queue(_item: u64) {}

async fn requests(router: &Router, path: &'static str, count: u32) {
    let mut router = router.clone();
    for _ in 0..count {
        let request = Request::builder().uri(path).body(Body::empty()).expect("the path is one");
        let answered: Result<Response, Infallible> = router.call(request).await;
        assert!(answered.is_ok_and(|response| response.status().is_success()), "every request is answered well");
    }
}

fn allocations(runtime: &Runtime, router: &Router, path: &'static str) -> f64 {
    let of = |count| {
        runtime.block_on(async {
            measure::allocations_start();
            requests(router, path, count).await;
            u32::try_from(measure::allocations_stop()).expect("so many there are not")
        })
    };
    f64::from(of(2_000) - of(1_000)) / 1_000.0
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let routers = runtime.block_on(Routers::make());
    let cases = [
        ("nothing injected : below a layer that does nothing", &routers.idle, "/plain", Bar::AtMost(3.0)),
        ("a component with a disposer : middleware by hand", &routers.by_hand, "/injects", Bar::None),
    ];
    measure::head("Requests through a router, one thread");
    for (what, theirs, path, _) in cases {
        let turn = |router: &Router| measure::timed(|| runtime.block_on(requests(router, path, COUNT)));
        let compared = measure::compare(TURNS, || turn(&routers.layered), || turn(theirs));
        measure::cost(what, COUNT, compared, Bar::None);
    }
    measure::head("Counted per request; the figure is what ours has more");
    for (what, theirs, path, bar) in cases {
        let (ours, theirs) = (allocations(&runtime, &routers.layered, path), allocations(&runtime, theirs, path));
        measure::counted(&format!("allocations: {what}"), ours, theirs, ours - theirs, bar);
    }
}
