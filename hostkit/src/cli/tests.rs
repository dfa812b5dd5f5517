//! The commands on a host with one function of each kind.
#![allow(clippy::unused_async, reason = "annotated functions are async, and these do nothing")]

use super::graph::Language;
use super::list::Form;
use super::{checked, graph, list, sample};
use crate::host::{Host, HostBuilder};
use crate::program::{Flavor, Program, Runtime};
use crate::{CancellationToken, Queue};

static PROGRAM: Program = Program {
    name: "orders",
    version: "0.1.0",
    linked: &[],
    runtime: Runtime { flavor: Flavor::CurrentThread, worker_threads: None },
};

#[hostkit::singleton]
struct Clock {}

#[hostkit::scoped]
struct Orders {
    clock: std::sync::Arc<Clock>,
}

#[hostkit::options("cli_tests")]
#[derive(serde::Deserialize)]
struct Limits {
    /// How many rows at a time.
    rows: u32,
}

/// Prepares the ground.
#[hostkit::on_start]
async fn prepare(_clock: &Clock) {}

#[hostkit::background_service]
async fn intake(_orders: Queue<work>, stop: CancellationToken) {
    stop.cancelled().await;
}

#[hostkit::queued(capacity = 7)]
async fn work(_item: u32, orders: &Orders) {
    let _ = &orders.clock;
}

#[hostkit::periodic(every = "1h", after = [intake])]
async fn tidy(limits: &Limits) {
    let _ = limits.rows;
}

fn builder() -> HostBuilder {
    let mut builder = Host::empty();
    builder.sources().variables.clear();
    builder.with::<prepare>().with::<intake>().with::<work>().with::<tidy>().set("cli_tests.rows", 5);
    builder
}

async fn host() -> Host {
    builder().build().await.unwrap()
}

#[tokio::test]
async fn check_counts_what_would_run() {
    assert_eq!(checked(&host().await), "ok: 3 services, 3 components\n");
}

#[tokio::test]
async fn list_shows_hooks_and_services() {
    let table = list::render(&PROGRAM, &host().await, Form::Table);
    let names: Vec<_> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["NAME", "prepare", "intake", "tidy", "work", "NEXT", "tidy"], "{table}");
    let json = list::render(&PROGRAM, &host().await, Form::Json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let stops: Vec<_> = json["services"].as_array().unwrap().iter().map(|service| service["stop"].as_str()).collect();
    assert_eq!(stops, [None, Some("told"), Some("finishes"), Some("finishes")]);
}

#[tokio::test]
async fn graph_shows_order_queues_and_components_once() {
    let drawing = graph::render(&host().await, Language::Dot);
    let place = |name: &str| {
        let line = drawing.lines().find(|line| line.contains(&format!("[label=\"{name}\\n"))).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let [prepare, intake, tidy, work] = ["prepare", "intake", "tidy", "work"].map(place);
    let [clock, orders, limits] = ["Clock", "Orders", "Limits"].map(place);
    for arrow in [
        format!("{tidy} -> {intake} [label=\"after\", style=dashed];"),
        format!("{intake} -> {work} [label=\"enqueues\"];"),
        format!("{prepare} -> {clock};"),
        format!("{work} -> {orders};"),
        format!("{orders} -> {clock};"),
        format!("{tidy} -> {limits};"),
    ] {
        assert_eq!(drawing.matches(&arrow).count(), 1, "{arrow}\n{drawing}");
    }
    assert_eq!(drawing.matches("->").count(), 6, "{drawing}");
}

#[tokio::test]
async fn every_key_of_the_sample_is_an_option_that_the_host_knows() {
    let sample = sample::render(&builder().registered());
    let mut builder = builder();
    let mut section = "";
    let mut keys = 0;
    for line in sample.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, value)) = line.strip_prefix('#').and_then(|line| line.split_once(" = ")) {
            let has_value = !value.trim().starts_with('#');
            if has_value && !key.starts_with(' ') {
                keys += 1;
                builder.set(format!("{section}.{key}"), value.split("    #").next().unwrap());
            }
        }
    }
    assert!(keys > 20, "{sample}");
    builder.build().await.unwrap();
    for expected in
        ["[cli_tests]\n# How many rows at a time.\n#rows =    # required\n", "#every = \"1h\"\n", "#capacity = 7\n"]
    {
        assert!(sample.contains(expected), "{expected}\n{sample}");
    }
}
