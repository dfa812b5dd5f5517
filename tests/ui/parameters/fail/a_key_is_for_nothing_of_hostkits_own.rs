use hostkit::CancellationToken;

#[hostkit::periodic(every = "1h")]
async fn report(#[key("eu")] stop: CancellationToken) {
    drop(stop);
}

fn main() {}
