use ui_support::Mailer;

#[hostkit::singleton(as = dyn Mailer)]
fn greeting() -> String {
    String::new()
}

fn main() {}
