use hostkit::{JobContext, Verdict};

#[hostkit::queued]
async fn process(_order: i64, job: JobContext) -> Verdict {
    job.done()
}

fn main() {}
