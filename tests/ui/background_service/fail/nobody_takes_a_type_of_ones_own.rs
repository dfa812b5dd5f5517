struct Summary;

#[hostkit::background_service]
async fn intake() -> Summary {
    Summary
}

fn main() {}
