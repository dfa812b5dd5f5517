// 2 errors: the compiler makes two suggestions.
trait Store: Send + Sync {}

#[hostkit::periodic(every = "1h")]
async fn report(store: &Store) {
    let _ = store;
}

fn main() {}
