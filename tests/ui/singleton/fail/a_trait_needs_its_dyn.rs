use ui_support::Mailer;

#[hostkit::singleton(as = Mailer)]
struct Post {}

impl Mailer for Post {}

fn main() {}
