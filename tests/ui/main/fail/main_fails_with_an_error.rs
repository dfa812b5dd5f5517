struct Trouble;

#[hostkit::program]
fn main(host: &mut hostkit::HostBuilder) -> Result<(), Trouble> {
    let _ = host;
    Err(Trouble)
}
