use std::sync::Arc;

use ui_support::Mailer;

fn main() {
    hostkit::Host::empty().provide_as::<dyn Mailer>(Arc::new(1));
}
