use hostkit::Lazy;

struct Orders;

#[hostkit::periodic(every = "1h")]
async fn report(orders: Lazy<Orders>) {
    let _ = orders;
}

fn main() {}
