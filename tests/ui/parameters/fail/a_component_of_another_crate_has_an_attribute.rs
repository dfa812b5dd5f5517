use ui_support::Plain;

#[hostkit::periodic(every = "1h")]
async fn report(plain: &Plain) {
    let _ = plain;
}

fn main() {}
