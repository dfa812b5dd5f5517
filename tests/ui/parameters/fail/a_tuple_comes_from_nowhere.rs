#[hostkit::periodic(every = "1h")]
async fn report(limits: (i64, i64)) {
    let _ = limits;
}

fn main() {}
