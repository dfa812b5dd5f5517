struct Orders;

#[hostkit::periodic(every = "1h")]
async fn report(orders: &Orders, more: std::sync::Arc<Orders>) {
    let _ = (orders, more);
}

fn main() {}
