// 7 errors: one for each mistake.
#[hostkit::background_service(on_faliure = "restart", backoff = "1m..1s", instances = 0)]
fn intake(order: (i64, i64), tick: hostkit::Tick) -> u64 {
    let _ = (order, tick);
    0
}

fn main() {}
