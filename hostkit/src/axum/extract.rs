//! What handlers ask for below the layer.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use super::InjectRejection;
use super::rejection::Fault;
use super::request::RequestScope;
use crate::component::{Component, Ext, Scope};
use crate::function::Queued;
use crate::host::HostLifetime;
use crate::queue::Queue;

/// The component `T`, for the handler of a request; see the [module](crate::axum).
///
/// A scoped component is one per request: other extractors, middleware below the layer and other components of the request
/// get the same. Let go of it before the answer: a disposer takes its component by value.
///
/// # Examples
/// ```
/// use hostkit::axum::Inject;
///
/// #[hostkit::scoped]
/// struct Orders {}
///
/// impl Orders {
///     async fn count(&self) -> u64 { 0 }
/// }
///
/// async fn count(Inject(orders): Inject<Orders>) -> String {
///     orders.count().await.to_string()
/// }
/// # axum::Router::<()>::new().route("/", axum::routing::get(count));
/// ```
pub struct Inject<T: Component>(pub Arc<T>);

impl<T: Component> Deref for Inject<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Component> Clone for Inject<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Component + fmt::Debug> fmt::Debug for Inject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inject").field(&self.0).finish()
    }
}

fn way_to_scope(parts: &Parts) -> Result<&RequestScope, InjectRejection> {
    parts.extensions.get().ok_or_else(|| InjectRejection::new(Fault::NoLayer, parts))
}

fn scope_of(parts: &Parts) -> Result<Scope, InjectRejection> {
    way_to_scope(parts)?.lend(parts).ok_or_else(|| InjectRejection::new(Fault::Answered, parts))
}

impl<T: Component, S: Sync> FromRequestParts<S> for Inject<T> {
    type Rejection = InjectRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, InjectRejection> {
        let got = scope_of(parts)?.get().await;
        got.map(Self).map_err(|error| InjectRejection::new(Fault::NotBuilt(error), parts))
    }
}

/// Below [`axum::scopes`](crate::axum::scopes).
impl<T: Send + Sync + 'static, S: Sync> FromRequestParts<S> for Ext<T> {
    type Rejection = InjectRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, InjectRejection> {
        let got = scope_of(parts)?.get_foreign().await;
        got.map_err(|error| InjectRejection::new(Fault::NotBuilt(error), parts))
    }
}

/// Below [`axum::scopes`](crate::axum::scopes). It opens no scope.
impl<F: Queued, S: Sync> FromRequestParts<S> for Queue<F> {
    type Rejection = InjectRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, InjectRejection> {
        let queue = way_to_scope(parts)?.scopes().fitting();
        queue.ok_or_else(|| InjectRejection::new(Fault::NotRun(F::ENTRY.name), parts))
    }
}

/// Below [`axum::scopes`](crate::axum::scopes): the request's own scope, which the layer closes.
impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = InjectRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, InjectRejection> {
        scope_of(parts)
    }
}

/// Below [`axum::scopes`](crate::axum::scopes). It opens no scope.
impl<S: Sync> FromRequestParts<S> for HostLifetime {
    type Rejection = InjectRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, InjectRejection> {
        Ok(way_to_scope(parts)?.scopes().fitting().expect("every host puts its lifetime into the graph"))
    }
}
