// 3 errors: of one call, as the compiler does with `async fn`.
#[hostkit::queued]
async fn process(_order: i64) {}

async fn test(host: hostkit::RunningHost) {
    let _ = host.trigger::<process>().await;
}

fn main() {
    let _ = test;
}
