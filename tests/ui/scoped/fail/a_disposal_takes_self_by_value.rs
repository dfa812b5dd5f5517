struct Unit;

#[hostkit::scoped]
impl Unit {
    fn new() -> Self {
        Self
    }

    async fn dispose(&mut self) {}
}

fn main() {}
