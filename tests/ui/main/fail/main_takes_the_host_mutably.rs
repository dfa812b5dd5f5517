#[hostkit::program]
fn main(host: hostkit::HostBuilder) {
    drop(host);
}
