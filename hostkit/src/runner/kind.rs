//! Which attribute a function has: plain data in a `static` that leads to the runner behind it.

use std::fmt;

use super::SetUp;
#[cfg(feature = "durable")]
use crate::function::Durable;
use crate::function::{Call, InProcess, Work};
use crate::{periodic, queue, service};

/// How the host runs a function.
#[derive(Clone, Copy)]
pub struct Kind {
    attribute: &'static str,
    noun: &'static str,
    stage: Option<Stage>,
    /// Whose options it has, for the reference of them.
    options: &'static str,
    set_up: SetUp,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Before any service starts.
    Start,
    /// When every service is ready.
    Started,
    /// When the stop begins.
    Stopping,
    /// When every service has ended.
    Stopped,
}

impl Stage {
    /// Every stage, in the order of a host's life.
    pub(crate) const ALL: [Self; 4] = [Self::Start, Self::Started, Self::Stopping, Self::Stopped];
}

impl Kind {
    /// A function with `#[background_service]`.
    pub const fn background<H: Call>() -> Self {
        Self::service("background_service", service::set_up::<H>)
    }

    /// A function with `#[periodic]`.
    pub const fn periodic<H: Call>() -> Self {
        Self::service("periodic", periodic::set_up::<H>)
    }

    /// A function with `#[periodic(durable)]`.
    #[cfg(feature = "durable")]
    pub const fn durable_periodic<H: Call>() -> Self {
        Self { options: "periodic durable", ..Self::service("periodic", periodic::set_up_durable::<H>) }
    }

    /// A function with `#[queued]`.
    pub const fn queued<H: Work<Of: InProcess>>() -> Self {
        Self::service("queued", queue::set_up::<H>)
    }

    /// A function with `#[queued(durable)]`.
    #[cfg(feature = "durable")]
    pub const fn durable<H: Work<Of: Durable>>() -> Self {
        Self { options: "queued durable", ..Self::service("queued", queue::set_up_durable::<H>) }
    }

    /// The worker of the built-in queue of closures.
    pub(crate) const fn task_queue() -> Self {
        Self::service(queue::TASK_QUEUE, queue::set_up_task_queue)
    }

    /// A function with `#[on_start]`, `#[on_started]`, `#[on_stopping]` or `#[on_stopped]`.
    pub const fn hook<H: Call>(stage: Stage) -> Self {
        let attribute = match stage {
            Stage::Start => "on_start",
            Stage::Started => "on_started",
            Stage::Stopping => "on_stopping",
            Stage::Stopped => "on_stopped",
        };
        Self { attribute, noun: "hook", stage: Some(stage), options: attribute, set_up: service::set_up_hook::<H> }
    }

    const fn service(attribute: &'static str, set_up: SetUp) -> Self {
        Self { attribute, noun: "service", stage: None, options: attribute, set_up }
    }

    /// The attribute's name, which is the first part of its section in the configuration.
    pub(crate) fn attribute(&self) -> &'static str {
        self.attribute
    }

    /// Under which name its options are in the reference.
    pub(crate) fn options(&self) -> &'static str {
        self.options
    }

    /// What messages call it.
    pub(crate) fn noun(&self) -> &'static str {
        self.noun
    }

    /// Of a hook, when it runs.
    pub(crate) fn stage(&self) -> Option<Stage> {
        self.stage
    }

    pub(crate) fn set_up(&self) -> SetUp {
        self.set_up
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kind").field(&self.attribute).finish()
    }
}
