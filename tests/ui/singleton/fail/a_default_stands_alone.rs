use ui_support::Mailer;

#[hostkit::singleton(as = dyn Mailer, default = true)]
struct Post {}

impl Mailer for Post {}

fn main() {}
