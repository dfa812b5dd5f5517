#[hostkit::program]
fn main(clock: &mut ui_support::Clock) {
    let _ = clock;
}
