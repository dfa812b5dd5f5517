use hostkit::JobContext;

#[hostkit::periodic(every = "1h")]
async fn report(job: JobContext) {
    let _ = job;
}

fn main() {}
