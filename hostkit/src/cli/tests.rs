//! The commands on a host with one function of each kind.
#![allow(clippy::unused_async, reason = "annotated functions are async, and these do nothing")]

use std::collections::BTreeSet;

use super::graph::Language;
use super::list::Form;
use super::{checked, graph, list, sample, shown};
use crate::config::reference;
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

#[hostkit::on_started]
async fn submit(_closures: crate::TaskQueue) {}

#[cfg(feature = "cron")]
#[hostkit::periodic(cron = "30 2 * * *", tz = "Europe/Zurich", jitter = "5s")]
async fn nightly() {}

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

/// A host with a section of every kind.
fn of_every_kind() -> HostBuilder {
    let mut builder = builder();
    builder.with::<submit>();
    #[cfg(feature = "cron")]
    builder.with::<nightly>();
    builder
}

/// A value of every option that the sample shows, as `--set` takes it.
fn sampled(builder: &HostBuilder) -> Vec<String> {
    let sample = sample::render(&builder.registered());
    let mut section = "";
    let mut sets = Vec::new();
    for line in sample.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some(line) = line.strip_prefix('#').filter(|line| !line.starts_with(' ')) {
            let Some((key, value)) = line.split_once(" = ") else { continue };
            sets.push(format!("{section}.{key}={value}"));
        }
    }
    sets
}

#[tokio::test]
async fn setting_all_that_the_sample_shows_changes_nothing() {
    // Without the origins, which of course are others.
    let values = |host: &Host| {
        let value = |line: &str| line.rsplit_once("  # ").map_or(line, |(value, _)| value).trim_end().to_owned();
        shown(host).lines().map(value).collect::<Vec<_>>()
    };
    let listed = |host: &Host| list::render(&PROGRAM, host, Form::Table);
    let before = of_every_kind().build().await.unwrap();
    let mut builder = of_every_kind();
    let sets = sampled(&builder);
    assert!(sets.len() > 30, "{sets:#?}");
    builder.sources().sets.extend(sets);
    let after = builder.build().await.unwrap();
    assert_eq!(values(&before), values(&after));
    assert_eq!(listed(&before), listed(&after));
}

#[test]
fn the_sample_shows_what_holds_and_says_what_has_no_value() {
    let sample = sample::render(&of_every_kind().registered());
    let by_clock: &[&str] = if cfg!(feature = "cron") {
        &["[periodic.nightly]\n", "#cron = \"30 2 * * *\"\n", "# every: a duration such as \"1h\"\n"]
    } else {
        &[]
    };
    let expected = [
        "[cli_tests]\n# How many rows at a time.\n# rows: required\n",
        "#every = \"1h\"\n",
        "#capacity = 7\n",
        "# timeout: a duration such as \"5m\"; without one a run takes as long as it likes\n",
        "[task_queue]\n",
    ];
    for expected in expected.iter().chain(by_clock) {
        assert!(sample.contains(expected), "{expected}\n{sample}");
    }
}

/// What the runtime reads, as the report of an unknown key lists it, for each section of hostkit's own.
async fn known_options() -> Vec<(&'static str, BTreeSet<String>)> {
    let mut sections =
        vec!["host", "task_queue", "on_start.prepare", "background_service.intake", "queued.work", "periodic.tidy"];
    if cfg!(feature = "durable") {
        sections.push("store");
    }
    let mut builder = of_every_kind();
    for section in &sections {
        builder.set(format!("{section}.qqqqqqqqqqqqqqqqqqqqqqqq"), 1);
    }
    let report = builder.build().await.unwrap_err().to_string();
    let known: Vec<_> = report.lines().filter_map(|line| line.trim().strip_prefix("help: known keys: ")).collect();
    assert_eq!(known.len(), sections.len(), "{report}");
    let names = |known: &str| known.split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
    sections
        .iter()
        .map(|section| {
            let (first, name) = section.split_once('.').unwrap_or((section, section));
            let place = report
                .find(&format!("`{name}` has no option"))
                .or_else(|| report.find(&format!("[{name}] has no option")));
            let line = report[place.unwrap()..].lines().find_map(|line| line.trim().strip_prefix("help: known keys: "));
            (first, names(line.unwrap()))
        })
        .collect()
}

#[tokio::test]
async fn the_reference_has_every_option_that_is_read_and_no_other() {
    for (section, mut known) in known_options().await {
        // Known, and refused.
        known.remove("durable");
        let reference: BTreeSet<_> = reference(section).iter().map(|option| option.name.to_owned()).collect();
        assert_eq!(known, reference, "[{section}]");
    }
}

#[test]
fn the_page_of_an_attribute_has_every_option_and_no_other() {
    // What belongs to the source code.
    let code = ["name", "handle", "crate", "after", "blocking", "leftover"].map(str::to_owned);
    for (attribute, page) in [
        ("background_service", include_str!("../docs/background_service.md")),
        ("periodic", include_str!("../docs/periodic.md")),
        ("queued", include_str!("../docs/queued.md")),
        ("on_start", include_str!("../docs/on_start.md")),
        ("on_started", include_str!("../docs/on_started.md")),
        ("on_stopping", include_str!("../docs/on_stopping.md")),
        ("on_stopped", include_str!("../docs/on_stopped.md")),
    ] {
        let table = page.split_once("| option | default | meaning |\n").unwrap().1;
        let rows = table.lines().skip(1).map_while(|line| line.strip_prefix("| "));
        let names = rows.flat_map(|row| row.split(" | ").next().unwrap().split(", "));
        let mut documented: BTreeSet<_> = names.map(|name| name.trim_matches('`').to_owned()).collect();
        documented.retain(|name| !code.contains(name));
        let reference: BTreeSet<_> = reference(attribute).iter().map(|option| option.name.to_owned()).collect();
        assert_eq!(documented, reference, "{attribute}");
    }
}
