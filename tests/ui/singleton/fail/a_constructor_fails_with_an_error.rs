struct Orders;
struct Trouble;

#[hostkit::singleton]
impl Orders {
    async fn new() -> Result<Self, Trouble> {
        let _ = Trouble;
        Ok(Self)
    }
}

fn main() {}
