use hostkit::Queue;

async fn process(_order: i64) {}

#[hostkit::periodic(every = "1h")]
async fn report(orders: Queue<process>) {
    let _ = orders;
    process(1).await;
}

fn main() {}
