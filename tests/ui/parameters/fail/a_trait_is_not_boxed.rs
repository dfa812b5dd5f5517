trait Store: Send + Sync {}

#[hostkit::periodic(every = "1h")]
async fn report(store: Box<dyn Store>) {
    let _ = store;
}

fn main() {}
