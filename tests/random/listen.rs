//! Hears the state changes that hostkit logs, and hands them to the host that runs on the same thread.

use std::cell::RefCell;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::script::{Script, What};

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// Installs the one subscriber of this program.
pub(crate) fn install() {
    tracing::subscriber::set_global_default(Listener).unwrap();
}

/// Whose state changes are heard on this thread from now on.
pub(crate) fn hear(script: Option<Script>) {
    SCRIPT.with_borrow_mut(|current| *current = script);
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("hostkit::") && *metadata.level() <= tracing::Level::DEBUG
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        SCRIPT.with_borrow(|script| {
            let Some(script) = script else { return };
            if fields.message == "state changed" {
                script.log(What::State(fields.service, fields.state));
            } else {
                script.log(What::Logged(*event.metadata().level(), fields.message));
            }
        });
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    service: String,
    state: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "service" {
            value.clone_into(&mut self.service);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = fmt::format(format_args!("{value:?}")),
            "state" => self.state = fmt::format(format_args!("{value:?}")),
            _ => {}
        }
    }
}
