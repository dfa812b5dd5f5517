#[hostkit::background_service]
async fn intake() {
    let count: u32 = "one";
    let _ = count;
}

fn main() {}
