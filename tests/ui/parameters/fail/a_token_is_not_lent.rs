use hostkit::CancellationToken;

#[hostkit::periodic(every = "1h")]
async fn report(stop: &CancellationToken) {
    let _ = stop;
}

fn main() {}
