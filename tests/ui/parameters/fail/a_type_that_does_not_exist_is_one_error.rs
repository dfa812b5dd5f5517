#[hostkit::periodic(every = "1h")]
async fn report(orders: &Ordres) {
    let _ = orders;
}

fn main() {}
