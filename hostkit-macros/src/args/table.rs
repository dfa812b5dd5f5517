//! Which options each attribute has: the table of the public contract, as data.

use super::literal::Zero;

/// One option of an attribute.
pub(crate) struct Opt {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
}

/// What stands on the right of the equals sign.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// `"30s"`
    Duration(Zero),
    /// `"1s..1m"`
    Range,
    /// `"0 3 * * *"`
    Cron,
    /// `"UTC"`
    Text,
    /// `"stop-host"`
    OneOf(&'static [&'static str]),
    /// `100`
    Integer { least: i64 },
    /// `true`
    Flag,
    /// A path to a function: `leftover = keep`.
    Function,
    /// The same, perhaps of a generic one, `key = customer::<Order>`, and not for configuration to show.
    KeyFunction,
    /// `"cleanup"`; like all below it, not for configuration to change.
    Name,
    /// `"crate_name"`
    Crate,
    /// `blocking = true`
    Code,
    /// `handle = Cleanup`
    Ident,
    /// `after = [migrate]`
    Services,
    /// `as = dyn Trait`
    Traits,
    /// `key = "eu"`
    Key,
    /// `default`, alone.
    Word,
    /// `durable`, alone, and only with the feature.
    Durable,
    /// `"30s"`, or `"none"` for no limit.
    Limit,
    /// `"100/1s"`
    Rate,
    /// `-3`
    Number { least: i64, most: i64 },
}

impl Takes {
    /// Whether configuration may override it, so that the registration carries it.
    pub(crate) fn configurable(self) -> bool {
        use Takes::{Cron, Duration, Flag, Function, Integer, Limit, Number, OneOf, Range, Rate, Text};
        matches!(
            self,
            Duration(_)
                | Limit
                | Range
                | Rate
                | Cron
                | Text
                | OneOf(_)
                | Integer { .. }
                | Number { .. }
                | Flag
                | Function
        )
    }

    /// A value of this kind, as one would write it.
    pub(crate) fn example(self) -> String {
        match self {
            Self::Duration(_) | Self::Limit => "\"30s\"".into(),
            Self::Rate => "\"100/1s\"".into(),
            Self::Number { .. } => "1".into(),
            Self::Range => "\"1s..1m\"".into(),
            Self::Cron => "\"0 3 * * *\"".into(),
            Self::Text => "\"UTC\"".into(),
            Self::OneOf(words) => format!("\"{}\"", words.first().unwrap_or(&"")),
            Self::Integer { least } => least.max(4).to_string(),
            Self::Flag | Self::Code => "true".into(),
            Self::Function | Self::KeyFunction => "a_function".into(),
            Self::Name => "\"a-name\"".into(),
            Self::Crate => "\"hostkit\"".into(),
            Self::Ident => "Name".into(),
            Self::Services => "[a_service]".into(),
            Self::Traits => "dyn Trait".into(),
            Self::Key => "\"a-key\"".into(),
            Self::Word | Self::Durable => String::new(),
        }
    }
}

const fn opt(name: &'static str, takes: Takes) -> Opt {
    Opt { name, takes }
}

const DURATION: Takes = Takes::Duration(Zero::Refused);
const PATIENCE: Takes = Takes::Duration(Zero::Allowed);
const AT_LEAST_ONE: Takes = Takes::Integer { least: 1 };

/// Of every annotated function.
const COMMON: [Opt; 6] = [
    opt("name", Takes::Name),
    opt("enabled", Takes::Flag),
    opt("crate", Takes::Crate),
    opt("handle", Takes::Ident),
    opt("blocking", Takes::Code),
    opt("after", Takes::Services),
];

/// The table of one attribute: its own options and the common ones.
pub(crate) struct Table {
    pub(crate) attribute: &'static str,
    pub(crate) own: &'static [Opt],
    pub(crate) common: &'static [Opt],
}

impl Table {
    pub(crate) fn find(&self, name: &str) -> Option<&'static Opt> {
        self.all().find(|option| option.name == name)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Opt> + use<> {
        self.own.iter().chain(self.common)
    }

    /// The names that make sense to suggest.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.all().map(|option| option.name)
    }

    /// A correct argument, for messages.
    pub(crate) fn example(&self) -> String {
        self.own.first().map(|option| format!("{} = {}", option.name, option.takes.example())).unwrap_or_default()
    }
}

pub(crate) const BACKGROUND_SERVICE: Table = Table {
    attribute: "background_service",
    own: &[
        opt("on_failure", Takes::OneOf(&["stop-host", "restart", "ignore"])),
        opt("on_complete", Takes::OneOf(&["done", "keep-running", "stop-host", "restart"])),
        opt("backoff", Takes::Range),
        opt("max_restarts", Takes::Integer { least: 0 }),
        opt("within", DURATION),
        opt("start_timeout", DURATION),
        opt("stop_timeout", PATIENCE),
        opt("instances", AT_LEAST_ONE),
        opt("scope", Takes::OneOf(&["whole-run"])),
    ],
    common: &COMMON,
};

pub(crate) const PERIODIC: Table = Table {
    attribute: "periodic",
    own: &[
        opt("every", DURATION),
        opt("cron", Takes::Cron),
        opt("tz", Takes::Text),
        opt("run_at_start", Takes::Flag),
        opt("jitter", PATIENCE),
        opt("missed", Takes::OneOf(&["once", "skip", "all"])),
        opt("overlap", Takes::OneOf(&["forbid", "allow", "cancel-previous"])),
        opt("timeout", Takes::Limit),
        opt("on_failure", Takes::OneOf(&["continue", "stop-host"])),
        opt("stop_timeout", PATIENCE),
        opt("durable", Takes::Durable),
        opt("attempts", AT_LEAST_ONE),
        opt("backoff", Takes::Range),
        opt("keep_done", PATIENCE),
        opt("keep_dead", PATIENCE),
    ],
    common: &COMMON,
};

pub(crate) const QUEUED: Table = Table {
    attribute: "queued",
    own: &[
        opt("capacity", AT_LEAST_ONE),
        opt("concurrency", AT_LEAST_ONE),
        opt("full", Takes::OneOf(&["wait", "reject", "drop-oldest", "drop-newest"])),
        opt("timeout", Takes::Limit),
        opt("attempts", AT_LEAST_ONE),
        opt("backoff", Takes::Range),
        opt("on_failure", Takes::OneOf(&["continue", "stop-host"])),
        opt("drain", Takes::Flag),
        opt("leftover", Takes::Function),
        opt("stop_timeout", PATIENCE),
        opt("durable", Takes::Durable),
        opt("priority", Takes::Number { least: -128, most: 127 }),
        opt("keep_done", PATIENCE),
        opt("keep_dead", PATIENCE),
        opt("unique", Takes::OneOf(&["none", "while-pending", "while-active", "throttle", "debounce"])),
        opt("unique_for", DURATION),
        opt("key", Takes::KeyFunction),
        opt("per_key", AT_LEAST_ONE),
        opt("rate", Takes::Rate),
        opt("delivery", Takes::OneOf(&["at-least-once", "at-most-once"])),
        opt("version", Takes::Number { least: 0, most: u32::MAX as i64 }),
    ],
    common: &COMMON,
};

const HOOK: &[Opt] = &[opt("timeout", DURATION)];
pub(crate) const ON_START: Table = Table { attribute: "on_start", own: HOOK, common: &COMMON };
pub(crate) const ON_STARTED: Table = Table { attribute: "on_started", own: HOOK, common: &COMMON };
pub(crate) const ON_STOPPING: Table = Table { attribute: "on_stopping", own: HOOK, common: &COMMON };
pub(crate) const ON_STOPPED: Table = Table { attribute: "on_stopped", own: HOOK, common: &COMMON };

pub(crate) const HEALTH_CHECK: Table =
    Table { attribute: "health_check", own: &[opt("timeout", DURATION), opt("live", Takes::Flag)], common: &COMMON };

const COMPONENT: &[Opt] = &[
    opt("as", Takes::Traits),
    opt("key", Takes::Key),
    opt("timeout", DURATION),
    opt("default", Takes::Word),
    opt("crate", Takes::Crate),
];
const PROVIDER: &[Opt] = &[opt("handle", Takes::Ident)];
pub(crate) const SINGLETON: Table = Table { attribute: "singleton", own: COMPONENT, common: PROVIDER };
pub(crate) const SCOPED: Table = Table { attribute: "scoped", own: COMPONENT, common: PROVIDER };
pub(crate) const TRANSIENT: Table = Table { attribute: "transient", own: COMPONENT, common: PROVIDER };

pub(crate) const OPTIONS: Table =
    Table { attribute: "options", own: &[opt("validate", Takes::Function), opt("crate", Takes::Crate)], common: &[] };

/// Every attribute of hostkit that makes an item hostkit's own; an item has one of them.
pub(crate) const ATTRIBUTES: [&str; 12] = [
    "background_service",
    "periodic",
    "queued",
    "on_start",
    "on_started",
    "on_stopping",
    "on_stopped",
    "singleton",
    "scoped",
    "transient",
    "options",
    "health_check",
];
