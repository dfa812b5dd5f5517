use ui_support::Mailer;

#[hostkit::singleton(as = dyn Mailer)]
struct Post {}

fn main() {}
