use ui_support::Clock;

#[hostkit::periodic(every = "1h")]
async fn report(#[cfg(unix)] clock: &Clock) {
    let _ = clock;
}

fn main() {}
