use hostkit::Outcome;

struct Unit;

#[hostkit::scoped]
impl Unit {
    fn new() -> Self {
        Self
    }

    async fn dispose(self, outcome: &Outcome) {
        let _ = outcome;
    }
}

fn main() {}
