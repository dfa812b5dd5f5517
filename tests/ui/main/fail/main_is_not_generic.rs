#[hostkit::program]
fn main<T>(host: &mut hostkit::HostBuilder) {
    let _ = host;
}
