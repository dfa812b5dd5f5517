#[hostkit::queued]
async fn process(_order: i64, tx: hostkit::JobTransaction) {
    let _ = tx;
}

fn main() {}
