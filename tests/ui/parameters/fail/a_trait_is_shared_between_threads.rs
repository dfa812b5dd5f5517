trait Store {}

#[hostkit::periodic(every = "1h")]
async fn report(store: &dyn Store) {
    let _ = store;
}

fn main() {}
