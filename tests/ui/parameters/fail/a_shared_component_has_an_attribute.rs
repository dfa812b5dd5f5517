use std::sync::Arc;

struct Orders;

#[hostkit::periodic(every = "1h")]
async fn report(orders: Arc<Orders>) {
    drop(orders);
}

fn main() {}
