// 3 errors: two are of the function itself.
use hostkit::Ext;

trait Store: Send + Sync {}

#[hostkit::periodic(every = "1h")]
async fn report(store: Ext<dyn Store>) {
    let _ = store;
}

fn main() {}
