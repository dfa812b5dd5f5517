use hostkit::{JobContext, Verdict};

#[hostkit::queued]
async fn process(_order: i64, job: JobContext) -> Result<Verdict, std::io::Error> {
    Ok(job.done())
}

fn main() {}
