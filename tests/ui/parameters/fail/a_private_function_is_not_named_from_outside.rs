mod jobs {
    #[hostkit::queued]
    async fn process(_order: i64) {}
}

#[hostkit::background_service]
async fn intake(orders: hostkit::Queue<jobs::process>) {
    let _ = orders;
}

fn main() {}
