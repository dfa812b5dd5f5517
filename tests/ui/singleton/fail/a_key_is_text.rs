use ui_support::Mailer;

#[hostkit::singleton(as = dyn Mailer, key = 7)]
struct Post {}

impl Mailer for Post {}

fn main() {}
