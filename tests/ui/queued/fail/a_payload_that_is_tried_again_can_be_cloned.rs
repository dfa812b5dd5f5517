struct Order;

#[hostkit::queued(attempts = 3)]
async fn process(order: Order) {
    let _ = order;
}

fn main() {}
