use ui_support::{Archive, Mailer};

#[hostkit::singleton(as = [dyn Mailer, dyn Archive])]
struct Post {}

impl Mailer for Post {}

fn main() {}
