use hostkit::Instance;

#[hostkit::periodic(every = "1h")]
async fn report(instance: Instance) {
    let _ = instance;
}

fn main() {}
