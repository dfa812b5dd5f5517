use ui_support::Mailer;

#[hostkit::singleton(as = [dyn Mailer, dyn Mailer])]
struct Post {}

impl Mailer for Post {}

fn main() {}
