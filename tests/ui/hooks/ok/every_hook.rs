#[hostkit::on_start(name = "migrate-database", timeout = "5m", after = [prepare])]
async fn migrate() -> Result<(), String> {
    Ok(())
}

#[hostkit::on_start(blocking = true)]
fn prepare() {}

#[hostkit::on_started(enabled = false)]
async fn announce() {}

#[hostkit::on_stopping(handle = Leaving)]
async fn leave() {}

#[hostkit::on_stopped]
async fn sweep() {}

pub(crate) fn main() {
    hostkit::Host::empty().with::<migrate>().with::<prepare>().with::<announce>().with::<Leaving>().with::<sweep>();
}
