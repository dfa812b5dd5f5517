use hostkit::Instance;

#[hostkit::on_stopping]
async fn announce(instance: Instance) {
    let _ = instance;
}

fn main() {}
