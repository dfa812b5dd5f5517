trait Mailer {}

#[hostkit::singleton(as = dyn Mailer)]
struct Post {}

impl Mailer for Post {}

fn main() {}
