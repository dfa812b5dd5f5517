struct Orders;

#[hostkit::periodic(every = "1h")]
async fn report(orders: &Orders) {
    let _ = orders;
}

fn main() {}
