use hostkit::Outcome;
use ui_support::Clock;

struct Unit;

#[hostkit::scoped]
impl Unit {
    fn new() -> Self {
        Self
    }

    async fn dispose(self, outcome: Outcome, clock: &Clock) {
        let _ = (outcome, clock);
    }
}

fn main() {}
