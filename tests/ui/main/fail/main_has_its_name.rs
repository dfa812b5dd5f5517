#[hostkit::program]
fn program(host: &mut hostkit::HostBuilder) {
    host.environment("test");
}
