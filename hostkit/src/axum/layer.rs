//! The layer: gives every request the way to a scope, and ends the scope before the answer is sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use http::{Request, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::request::{OfRequest, Owner, RequestLine, RequestScope};
use crate::component::{Outcome, ScopeError, Scopes};

/// A layer below which handlers can inject; see the [module](crate::axum).
///
/// `Scopes` is a parameter of the service that serves, or [`RunningHost::scopes`](crate::RunningHost::scopes). Below
/// another such layer of the same host it does nothing, so a request has one scope.
///
/// # Examples
/// ```
/// # use axum::{Router, routing::get};
/// # async fn index() {}
/// fn app(scopes: hostkit::Scopes) -> Router {
///     Router::new().route("/", get(index)).layer(hostkit::axum::scopes(scopes))
/// }
/// ```
pub fn scopes(scopes: Scopes) -> ScopeLayer {
    ScopeLayer { scopes }
}

/// What [`scopes`] returns.
#[derive(Debug, Clone)]
pub struct ScopeLayer {
    scopes: Scopes,
}

impl<S> Layer<S> for ScopeLayer {
    type Service = ScopeService<S>;

    fn layer(&self, inner: S) -> ScopeService<S> {
        ScopeService { inner, scopes: self.scopes.clone() }
    }
}

/// A service below [`scopes`].
#[derive(Debug, Clone)]
pub struct ScopeService<S> {
    inner: S,
    scopes: Scopes,
}

impl<S, B> Service<Request<B>> for ScopeService<S>
where
    S: Service<Request<B>>,
    S::Response: IntoResponse,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ScopeFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let above = request.extensions().get::<RequestScope>();
        let owner = if above.is_some_and(|above| above.scopes().are_of_host_of(&self.scopes)) {
            None
        } else {
            let scope = RequestScope::new(self.scopes.clone());
            request.extensions_mut().insert(scope.clone());
            Some(Owner::of(scope))
        };
        ScopeFuture { inner: self.inner.call(request), owner, closing: None }
    }
}

pin_project! {
    /// The answer to a request below [`scopes`].
    pub struct ScopeFuture<F, E> {
        // It goes first, also when this is dropped: what it holds of the scope's components keeps them from being ended.
        #[pin]
        inner: F,
        owner: Option<Owner>,
        closing: Option<Closing<E>>,
    }
}

/// A scope that is being closed, and what is answered then.
struct Closing<E> {
    closed: BoxFuture<'static, Result<(), ScopeError>>,
    answer: Option<Result<Response, E>>,
    outcome: Outcome,
    line: RequestLine,
}

impl<F, E> fmt::Debug for ScopeFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeFuture").field("is_closing", &self.closing.is_some()).finish_non_exhaustive()
    }
}

impl<F, R, E> Future for ScopeFuture<F, E>
where
    F: Future<Output = Result<R, E>>,
    R: IntoResponse,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.closing.is_none() {
            if let Some(owner) = this.owner {
                owner.polled = true;
            }
            let answer = this.inner.poll(cx);
            if let Some(owner) = this.owner {
                owner.polled = false;
            }
            let answer = ready!(answer).map(IntoResponse::into_response);
            let Some(OfRequest { scope, line }) = this.owner.take().and_then(|owner| owner.end()) else {
                return Poll::Ready(answer);
            };
            let outcome = outcome_of(&answer);
            *this.closing =
                Some(Closing { closed: Box::pin(scope.close(outcome)), answer: Some(answer), outcome, line });
        }
        let closing = this.closing.as_mut().expect("it was put there above");
        let closed = ready!(closing.closed.as_mut().poll(cx));
        let answer = closing.answer.take().expect("nobody polls a future that was ready");
        Poll::Ready(match closed {
            Ok(()) => answer,
            Err(error) => answer.map(|response| despite(&error, response, closing.outcome, &closing.line)),
        })
    }
}

/// How a request ended, by what it is answered with.
fn outcome_of<E>(answer: &Result<Response, E>) -> Outcome {
    let Ok(response) = answer else { return Outcome::Failed };
    let by_status = if response.status().is_server_error() { Outcome::Failed } else { Outcome::Succeeded };
    response.extensions().get().copied().unwrap_or(by_status)
}

/// What is answered when the scope did not end well: what was done may be undone.
fn despite(error: &ScopeError, response: Response, outcome: Outcome, request: &RequestLine) -> Response {
    if outcome.is_succeeded() {
        tracing::error!(
            target: "hostkit::http", %request, %error,
            "the scope of a request did not end well; it is answered with 500"
        );
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    tracing::warn!(target: "hostkit::http", %request, %error, "the scope of a request that had failed did not end well");
    response
}
