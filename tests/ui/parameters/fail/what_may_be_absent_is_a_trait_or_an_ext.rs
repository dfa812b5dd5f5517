#[hostkit::periodic(every = "1h")]
async fn report(limit: Option<i64>) {
    let _ = limit;
}

fn main() {}
