use std::sync::Arc;

use ui_support::Mailer;

fn main() {
    hostkit::Host::empty().replace::<dyn Mailer>(Arc::new(1));
}
