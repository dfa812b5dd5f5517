//! Why an extractor had nothing to give.

use std::fmt;

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::request::RequestLine;
use crate::component::InjectError;
use crate::error::WithCauses;

/// Why an extractor had nothing to give. As an answer it is a 500, or a 503 once the host has stopped, which tells the
/// client no more than that; the reason is logged when it becomes one.
#[derive(Debug)]
pub struct InjectRejection {
    // In a box, so that whoever is given what it asked for pays nothing for the way it might have failed.
    refused: Box<Refused>,
}

#[derive(Debug)]
struct Refused {
    fault: Fault,
    line: RequestLine,
}

#[derive(Debug)]
pub(super) enum Fault {
    NoLayer,
    Answered,
    NotRun(&'static str),
    NotBuilt(InjectError),
}

impl InjectRejection {
    pub(super) fn new(fault: Fault, parts: &Parts) -> Self {
        Self { refused: Box::new(Refused { fault, line: RequestLine::of(parts) }) }
    }

    /// Whether the host has stopped, and so serves nobody any more.
    pub fn is_stopped(&self) -> bool {
        matches!(&self.refused.fault, Fault::NotBuilt(error) if error.is_stopped())
    }

    /// What it is answered with: 503 if the host has stopped, else 500.
    pub fn status(&self) -> StatusCode {
        if self.is_stopped() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR }
    }
}

impl fmt::Display for InjectRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.refused.fault {
            Fault::NoLayer => f.write_str(
                "this route is below no layer that opens scopes: add `.layer(hostkit::axum::scopes(scopes))` to the \
                 router, after its routes",
            ),
            Fault::Answered => f.write_str("the request has been answered, and its scope has ended"),
            Fault::NotRun(name) => write!(f, "`{name}` does not run in this host, so it has no queue"),
            Fault::NotBuilt(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InjectRejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.refused.fault {
            Fault::NotBuilt(error) => error.source(),
            _ => None,
        }
    }
}

impl IntoResponse for InjectRejection {
    fn into_response(self) -> Response {
        let (request, error) = (&self.refused.line, WithCauses(&self));
        if self.is_stopped() {
            tracing::warn!(target: "hostkit::http", %request, %error, "a request came after the host had stopped");
            return (self.status(), "this server is stopping").into_response();
        }
        tracing::error!(target: "hostkit::http", %request, %error, "a request could not be given what it needs");
        self.status().into_response()
    }
}
