use std::rc::Rc;

#[hostkit::singleton]
fn greeting() -> Rc<str> {
    "hello".into()
}

fn main() {}
