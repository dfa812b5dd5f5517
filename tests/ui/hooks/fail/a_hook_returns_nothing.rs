#[hostkit::on_stopped]
async fn announce() -> bool {
    true
}

fn main() {}
