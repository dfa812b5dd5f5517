#[hostkit::periodic(every = "1h")]
async fn report(title: &str) {
    let _ = title;
}

fn main() {}
