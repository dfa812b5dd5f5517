#[hostkit::singleton]
fn greeting() -> String {
    "hello".into()
}

#[hostkit::periodic(every = "1h")]
async fn report(greeting: &String) {
    let _ = greeting;
}

fn main() {}
