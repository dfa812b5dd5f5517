struct Unit;

#[hostkit::scoped]
impl Unit {
    fn new() -> Self {
        Self
    }

    async fn dispose(self, outcome: bool) {
        let _ = outcome;
    }
}

fn main() {}
