//! Every option that configuration may set in hostkit's own sections, with its default and its meaning.
//!
//! It is the one table of them: `config sample` prints it, `config show` completes with it what nobody set, and what a
//! misspelt variable was meant to be is looked up in it. Tests hold it against what the runtime reads and against the
//! pages of the attributes, so that a new option cannot be forgotten here.
#![cfg_attr(not(feature = "cli"), allow(dead_code, reason = "defaults and meanings are for the command line"))]

use Unset::{Is, Nothing};

/// One option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opt {
    pub(crate) name: &'static str,
    pub(crate) unset: Unset,
    pub(crate) meaning: &'static str,
}

/// What holds when neither the attribute nor the configuration says anything.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unset {
    /// This value, as TOML.
    Is(&'static str),
    /// No value at all: what one looks like, and what goes without one.
    Nothing(&'static str),
}

/// The options of a section of hostkit's own, given its attribute or its name, in the order of its documentation.
pub(crate) fn options(section: &str) -> &'static [Opt] {
    match section {
        "host" => HOST,
        "store" if cfg!(feature = "durable") => STORE,
        "background_service" => BACKGROUND_SERVICE,
        "periodic" => PERIODIC,
        "queued" | "task_queue" => QUEUED,
        "queued durable" => QUEUED_DURABLE,
        "periodic durable" => PERIODIC_DURABLE,
        "on_start" | "on_started" | "on_stopping" | "on_stopped" => HOOK,
        _ => &[],
    }
}

const fn opt(name: &'static str, unset: Unset, meaning: &'static str) -> Opt {
    Opt { name, unset, meaning }
}

const HOST: &[Opt] = &[
    opt("stop_timeout", Is("\"25s\""), "how long stopping may take, from the first signal to the exit"),
    opt("drain_delay", Is("\"0s\""), "how long to stay up, no longer ready, before anything is stopped"),
    opt(
        "stall_after",
        Is("\"1s\""),
        "how long a function may hold its thread without an await before it is named, or \"none\"",
    ),
    opt("strict", Is("false"), "whether unknown sections, and unknown keys in the program's own, are errors"),
];

const STORE: &[Opt] = &[
    opt(
        "url",
        Is("\"sqlite://hostkit.db\""),
        "where the jobs are: a SQLite file on a disk of this machine, or \"memory://\", which keeps nothing",
    ),
    opt(
        "lease",
        Is("\"60s\""),
        "how long a process that runs jobs may be silent before they are given to others: 1s to 1h",
    ),
];

const ENABLED: Opt = opt("enabled", Is("true"), "whether this program runs it");
const STOP_TIMEOUT: Opt = opt(
    "stop_timeout",
    Nothing("a duration such as \"10s\"; without one it has as long as the host"),
    "how long it may take to stop, within the host's own limit",
);

const BACKGROUND_SERVICE: &[Opt] = &[
    ENABLED,
    opt("on_failure", Is("\"stop-host\""), "what a failure leads to: \"stop-host\", \"restart\" or \"ignore\""),
    opt(
        "on_complete",
        Is("\"done\""),
        "what its end leads to: \"done\", \"keep-running\", \"stop-host\" or \"restart\"",
    ),
    opt("backoff", Is("\"1s..1m\""), "how long to wait before a restart: first and longest"),
    opt("max_restarts", Is("5"), "how many restarts are tolerated in `within`"),
    opt("within", Is("\"10m\""), "the time in which restarts are counted"),
    opt(
        "start_timeout",
        Nothing("a duration such as \"30s\"; without one it takes as long as it likes"),
        "how long it may take to become ready",
    ),
    STOP_TIMEOUT,
    opt("instances", Is("1"), "how many of it run beside each other"),
    opt(
        "scope",
        Nothing("\"whole-run\"; without it every part of the work opens a scope of its own"),
        "whether a finite service may hold scoped components for all of its run",
    ),
];

const PERIODIC: &[Opt] = &[
    ENABLED,
    opt("every", Nothing("a duration such as \"1h\""), "how often it runs; takes the place of `cron`"),
    opt("cron", Nothing(CRON), "at which times it runs; takes the place of `every`"),
    opt("tz", Is("\"UTC\""), "the IANA name of the zone in which `cron` is meant"),
    opt("run_at_start", Is("false"), "whether it runs once as soon as the host has started"),
    opt(
        "jitter",
        Nothing("a duration such as \"10s\"; without one a run begins at its time"),
        "by how much later a run may begin, at random",
    ),
    opt("missed", Is("\"once\""), "what becomes of runs that were missed: \"once\", \"skip\" or \"all\""),
    opt("overlap", Is("\"forbid\""), "of a run beside the former one: \"forbid\", \"allow\" or \"cancel-previous\""),
    opt(
        "timeout",
        Nothing("a duration such as \"5m\"; without one a run takes as long as it likes"),
        "how long a run may take",
    ),
    opt("on_failure", Is("\"continue\""), "what a failed run leads to: \"continue\" or \"stop-host\""),
    STOP_TIMEOUT,
];

const CRON: &str = if cfg!(feature = "cron") {
    "an expression such as \"0 3 * * *\""
} else {
    "an expression such as \"0 3 * * *\"; it needs hostkit's feature `cron`"
};

const QUEUED: &[Opt] = &[
    ENABLED,
    opt("capacity", Is("100"), "how many items may wait"),
    opt("concurrency", Is("1"), "how many items are worked on at a time"),
    opt(
        "full",
        Is("\"wait\""),
        "what happens to an item without a place: \"wait\", \"reject\", \"drop-oldest\" or \"drop-newest\"",
    ),
    opt(
        "timeout",
        Nothing("a duration such as \"30s\"; without one an item takes as long as it likes"),
        "how long an item may take",
    ),
    opt("attempts", Is("1"), "how often an item is tried, the first time included"),
    opt("backoff", Is("\"1s..1m\""), "how long an item waits before the next attempt: first and longest"),
    opt("on_failure", Is("\"continue\""), "what a failed item leads to: \"continue\" or \"stop-host\""),
    opt("drain", Is("true"), "whether what waits is worked off when the host stops"),
    STOP_TIMEOUT,
];

const ATTEMPTS: &str = "how often a job is tried, the first time included";
const BACKOFF: Opt =
    opt("backoff", Is("\"2s..12h\""), "how long a job waits before the next attempt: first and longest");
const TIMEOUT: Opt = opt("timeout", Is("\"1h\""), "how long a run may take, or \"none\"");
const KEEP_DONE: Opt = opt("keep_done", Is("\"7d\""), "how long jobs are kept that are done or cancelled");
const KEEP_DEAD: Opt = opt("keep_dead", Is("\"30d\""), "how long dead letters are kept");

const QUEUED_DURABLE: &[Opt] = &[
    ENABLED,
    opt("capacity", Nothing("a number; without one as many as the disk has room for"), "how many jobs may wait"),
    opt("concurrency", Is("1"), "how many jobs this program works on at a time"),
    TIMEOUT,
    opt("attempts", Is("25"), ATTEMPTS),
    BACKOFF,
    opt("on_failure", Is("\"continue\""), "what a job that failed for good leads to: \"continue\" or \"stop-host\""),
    opt("priority", Is("0"), "greater goes first: -128 to 127"),
    KEEP_DONE,
    KEEP_DEAD,
    opt(
        "unique",
        Is("\"none\""),
        "until when a job with the same key is refused: \"none\", \"while-pending\", \"while-active\", \"throttle\" or \"debounce\"",
    ),
    opt("unique_for", Nothing("a duration such as \"1m\""), "the time of \"throttle\" and \"debounce\""),
    opt(
        "per_key",
        Nothing("a number; without one any number"),
        "how many jobs with the same key run at once, everywhere",
    ),
    opt("rate", Nothing("a count and a time such as \"100/1s\""), "how many jobs start in a time, everywhere"),
    opt(
        "delivery",
        Is("\"at-least-once\""),
        "whether an interrupted job runs again: \"at-least-once\", or \"at-most-once\"",
    ),
    opt("version", Is("0"), "which shape payloads have; one of a greater version waits for a newer program"),
    STOP_TIMEOUT,
];

const PERIODIC_DURABLE: &[Opt] = &[
    ENABLED,
    opt(
        "every",
        Nothing("a duration such as \"1h\""),
        "how often it runs, counted from 1970; takes the place of `cron`",
    ),
    opt("cron", Nothing(CRON), "at which times it runs; takes the place of `every`"),
    opt("tz", Is("\"UTC\""), "the IANA name of the zone in which `cron` is meant"),
    opt(
        "jitter",
        Nothing("a duration such as \"10s\"; without one a run begins at its time"),
        "by how much later a run may begin, at random",
    ),
    opt("missed", Is("\"once\""), "what becomes of instants that nobody ran for: \"once\", \"skip\" or \"all\""),
    opt("overlap", Is("\"forbid\""), "of a run beside the former one, anywhere: \"forbid\" or \"allow\""),
    TIMEOUT,
    opt("attempts", Is("1"), ATTEMPTS),
    BACKOFF,
    opt("on_failure", Is("\"continue\""), "what a run that failed for good leads to: \"continue\" or \"stop-host\""),
    KEEP_DONE,
    KEEP_DEAD,
    STOP_TIMEOUT,
];

const HOOK: &[Opt] = &[
    ENABLED,
    opt(
        "timeout",
        Nothing("a duration such as \"30s\"; without one it takes as long as it likes"),
        "how long it may take",
    ),
];
