// 3 errors: two are of the function itself.
trait Store: Send + Sync {}

#[hostkit::periodic(every = "1h")]
async fn report(store: dyn Store) {
    let _ = store;
}

fn main() {}
