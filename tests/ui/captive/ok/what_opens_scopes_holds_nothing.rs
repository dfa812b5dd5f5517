use std::sync::Arc;

use hostkit::{Lazy, Scopes};
use ui_support::{Clock, Report, Session};

#[hostkit::singleton]
struct Orders {
    sessions: Scopes<Session>,
    reports: Scopes<Report>,
    clock: Lazy<Clock>,
}

#[hostkit::transient]
struct Pass {
    orders: Arc<Orders>,
}

#[hostkit::background_service]
async fn intake(orders: &Orders, pass: Box<Pass>, reports: Scopes<Report>) {
    let _ = (&orders.sessions, &orders.reports, &orders.clock, &pass.orders, reports);
}

#[hostkit::background_service(scope = "whole-run")]
async fn finite(report: &Report) {
    let _ = &report.session;
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<intake>().with::<finite>();
}
