#[hostkit::program]
fn main(host: &mut hostkit::HostBuilder, clock: &ui_support::Clock) {
    let _ = (host, clock);
}
