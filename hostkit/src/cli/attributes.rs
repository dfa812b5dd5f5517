//! What configuration may say about an annotated function: every option that is built, its default and its meaning.

/// One option.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt {
    pub(super) name: &'static str,
    pub(super) unset: Unset,
    pub(super) meaning: &'static str,
}

/// What holds when neither the attribute nor the configuration says anything.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unset {
    /// This value, as TOML.
    Is(&'static str),
    /// Nothing; with an example, as TOML.
    Nothing(&'static str),
}

use Unset::{Is, Nothing};

const fn opt(name: &'static str, unset: Unset, meaning: &'static str) -> Opt {
    Opt { name, unset, meaning }
}

const ENABLED: Opt = opt("enabled", Is("true"), "whether this program runs it");
const STOP_TIMEOUT: Opt =
    opt("stop_timeout", Nothing("\"10s\""), "how long it may take to stop, within the host's own limit");

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
    opt("start_timeout", Nothing("\"30s\""), "how long it may take to become ready"),
    STOP_TIMEOUT,
    opt("instances", Is("1"), "how many of it run beside each other"),
];

const PERIODIC: &[Opt] = &[
    ENABLED,
    opt("every", Nothing("\"1h\""), "how often it runs"),
    opt("run_at_start", Is("false"), "whether it runs once as soon as the host has started"),
    opt("timeout", Nothing("\"5m\""), "how long a run may take"),
    opt("on_failure", Is("\"continue\""), "what a failed run leads to: \"continue\" or \"stop-host\""),
    STOP_TIMEOUT,
];

const QUEUED: &[Opt] = &[
    ENABLED,
    opt("capacity", Is("100"), "how many items may wait"),
    opt("concurrency", Is("1"), "how many items are worked on at a time"),
    opt("timeout", Nothing("\"30s\""), "how long an item may take"),
    opt("on_failure", Is("\"continue\""), "what a failed item leads to: \"continue\" or \"stop-host\""),
    opt("drain", Is("true"), "whether what waits is worked off when the host stops"),
    STOP_TIMEOUT,
];

const HOOK: &[Opt] = &[ENABLED, opt("timeout", Nothing("\"30s\""), "how long it may take")];

/// The options of an attribute, in the order of its documentation.
pub(super) fn options(attribute: &str) -> &'static [Opt] {
    match attribute {
        "background_service" => BACKGROUND_SERVICE,
        "periodic" => PERIODIC,
        "queued" | "task_queue" => QUEUED,
        "on_start" | "on_started" | "on_stopping" | "on_stopped" => HOOK,
        _ => &[],
    }
}
