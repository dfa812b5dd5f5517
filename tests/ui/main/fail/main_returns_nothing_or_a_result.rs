#[hostkit::program]
fn main(host: &mut hostkit::HostBuilder) -> bool {
    let _ = host;
    true
}
