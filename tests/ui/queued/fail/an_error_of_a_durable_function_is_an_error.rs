struct Trouble;

#[hostkit::queued(durable)]
async fn process(_order: i64) -> Result<hostkit::Verdict, Trouble> {
    Err(Trouble)
}

fn main() {}
