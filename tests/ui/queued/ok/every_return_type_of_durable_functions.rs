use std::error::Error;
use std::future::pending;
use std::time::Duration;

use hostkit::{Host, JobContext, Verdict};

type Nothing = ();
type Done = Result<(), std::io::Error>;
type Said = Result<Verdict, std::io::Error>;
type Also = Verdict;

#[hostkit::queued(durable)]
async fn nothing(_order: i64) {}

#[hostkit::queued(durable)]
async fn an_alias_of_nothing(_order: i64) -> Nothing {}

#[hostkit::queued(durable)]
async fn never(_order: i64) -> ! {
    pending().await
}

#[hostkit::queued(durable)]
async fn an_alias(_order: i64) -> Done {
    Ok(())
}

#[hostkit::queued(durable)]
async fn a_boxed_error(_order: i64) -> Result<(), Box<dyn Error + Send + Sync>> {
    Err("no".into())
}

#[hostkit::queued(durable)]
async fn a_verdict(_order: i64, job: JobContext) -> Verdict {
    job.snooze(Duration::from_secs(60))
}

#[hostkit::queued(durable)]
async fn a_verdict_by_another_name(_order: i64, job: JobContext) -> Also {
    job.retry_after(Duration::from_secs(60), "the gateway is away")
}

#[hostkit::queued(durable)]
async fn a_verdict_or_an_error(_order: i64, job: JobContext) -> Result<Verdict, String> {
    if job.is_last_attempt() {
        return Ok(job.discard("nobody wants it any more"));
    }
    Err("no".to_owned())
}

#[hostkit::queued(durable)]
async fn an_alias_with_a_verdict(_order: i64, job: JobContext) -> Said {
    Ok(job.done())
}

#[hostkit::queued(durable, blocking = true)]
fn blocking_nothing(_order: i64) {}

#[hostkit::queued(durable, blocking = true)]
fn blocking_verdict(_order: i64, job: JobContext) -> Result<Verdict, std::io::Error> {
    Ok(job.done())
}

#[hostkit::queued(durable, blocking = true)]
fn blocking_never(_order: i64) -> ! {
    loop {
        std::thread::park();
    }
}

pub(crate) fn main() {
    Host::empty()
        .with::<nothing>()
        .with::<an_alias_of_nothing>()
        .with::<never>()
        .with::<an_alias>()
        .with::<a_boxed_error>();
    Host::empty().with::<a_verdict>().with::<a_verdict_by_another_name>().with::<a_verdict_or_an_error>();
    Host::empty().with::<an_alias_with_a_verdict>();
    Host::empty().with::<blocking_nothing>().with::<blocking_verdict>().with::<blocking_never>();
}
