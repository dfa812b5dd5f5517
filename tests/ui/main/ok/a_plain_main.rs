#[hostkit::program(flavor = "current_thread")]
fn main(host: &mut hostkit::HostBuilder) {
    host.environment("test").only(["work"]);
}

#[hostkit::background_service]
async fn work() {}
