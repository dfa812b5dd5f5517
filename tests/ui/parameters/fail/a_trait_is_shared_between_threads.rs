// 9 errors: for `Send`, for `Sync`, at each place.
trait Store {}

#[hostkit::periodic(every = "1h")]
async fn report(store: &dyn Store) {
    let _ = store;
}

fn main() {}
