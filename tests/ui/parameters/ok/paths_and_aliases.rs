use std::sync::Arc as Shared;

use hostkit::Ext as Foreign;
use ui_support as support;

type Sessions = hostkit::Scopes<support::Session>;

#[hostkit::background_service]
async fn intake(
    clock: ::std::sync::Arc<support::Clock>,
    again: Shared<::ui_support::Clock>,
    greeting: Foreign<String>,
    text: hostkit::Ext<::std::string::String>,
    sessions: Sessions,
    stop: ::hostkit::CancellationToken,
    mailer: &dyn self::support::Mailer,
) {
    let _ = (clock, again, greeting, text, sessions, stop, mailer);
}

pub(crate) fn main() {
    hostkit::Host::empty().with::<self::intake>();
}
