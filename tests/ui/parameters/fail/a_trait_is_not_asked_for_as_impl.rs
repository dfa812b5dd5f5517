trait Store: Send + Sync {}

#[hostkit::periodic(every = "1h")]
async fn report(store: &impl Store) {
    let _ = store;
}

fn main() {}
