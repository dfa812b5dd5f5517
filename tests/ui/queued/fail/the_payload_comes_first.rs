use ui_support::Clock;

#[hostkit::queued]
async fn process(clock: &Clock, order: i64) {
    let _ = (clock, order);
}

fn main() {}
