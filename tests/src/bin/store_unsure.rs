//! A program whose store fails underneath it, so that it does not know what became of what it asked: `store_unsure finish DIRECTORY`
//! finishes jobs until that fails, `claim` claims some, for a test that has the writer panic. Both say what they were answered.

#![allow(clippy::print_stdout, reason = "its tests read what it prints")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hostkit::store::{
    self, Applied, Claim, ClaimRequest, Claimed, Finish, NewJob, OwnerId, State, Store, StoreError, StoreUrl, Verdict,
    Wanted, Worker,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const JOBS: u32 = 40;

async fn opened(directory: &str) -> Result<Arc<dyn Store>> {
    Ok(store::open(&StoreUrl::parse(&format!("sqlite://{directory}/jobs.db"))?).await?)
}

async fn registered(store: &Arc<dyn Store>) -> Result<OwnerId> {
    Ok(store.register(Worker { name: "unsure".to_owned(), lease: Duration::from_hours(1) }).await?)
}

async fn enqueue(store: &Arc<dyn Store>, count: u32) -> Result<()> {
    store.enqueue((0..count).map(|_| NewJob::new("mail", *b"")).collect()).await?;
    Ok(())
}

async fn claim(store: &Arc<dyn Store>, owner: OwnerId) -> std::result::Result<Vec<Claim>, StoreError> {
    let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", JOBS)] };
    match store.claim(request).await? {
        Claimed::Jobs { jobs, .. } => Ok(jobs.iter().map(|job| job.claim).collect()),
        Claimed::Lost => Ok(Vec::new()),
    }
}

fn said(what: &str, answer: std::result::Result<(), &StoreError>) {
    match answer {
        Ok(()) => println!("{what}: fine"),
        Err(error) => {
            let known = if error.is_unknown() { "unknown" } else { "not done" };
            println!("{what}: {known}, {}: {error}", if error.is_fatal() { "fatal" } else { "not fatal" });
        }
    }
}

async fn finish_all(directory: &str) -> Result<()> {
    let store = opened(directory).await?;
    let owner = registered(&store).await?;
    enqueue(&store, JOBS).await?;
    for claim in claim(&store, owner).await? {
        let finish = || store.finish(vec![Finish { claim, verdict: Verdict::Done }]);
        match finish().await {
            Ok(applied) if applied == [Applied::Applied] => println!("finished {} {}", claim.id, claim.epoch),
            Ok(other) => return Err(format!("it was not finished: {other:?}").into()),
            Err(error) => {
                println!("unsure {} {}", claim.id, claim.epoch);
                said("first", Err(&error));
                said("again", finish().await.as_ref().map(drop));
                said("health", store.health().as_ref().copied());
                return Ok(());
            }
        }
    }
    Err("nothing failed".into())
}

/// One store panics at what `HOSTKIT_PANIC_AT` says; the other, on the same file, is well.
async fn claim_twice(directory: &str) -> Result<()> {
    let (ill, well) = (opened(directory).await?, opened(directory).await?);
    let owner = registered(&ill).await?;
    enqueue(&ill, JOBS).await?;
    said("health before", ill.health().as_ref().copied());
    let mut changes = ill.changes();
    changes.mark_unchanged();
    said("claim", claim(&ill, owner).await.as_ref().map(drop));
    println!("told: {}", changes.has_changed()?);
    said("health", ill.health().as_ref().copied());
    said("beat", ill.beat(owner).await.as_ref().map(drop));
    said("enqueue", ill.enqueue(vec![NewJob::new("mail", *b"")]).await.as_ref().map(drop));
    said("health of the other", well.health().as_ref().copied());
    let running = |counts: &[store::Counts]| counts.iter().map(|kind| kind.of(State::Running)).sum::<u64>();
    println!("running: {}", running(&well.counts().await?));
    println!("given back: {}", well.reconcile(owner, Vec::new()).await?);
    println!("running: {}", running(&well.counts().await?));
    println!("claimed: {}", claim(&well, owner).await?.len());
    println!("faults: {:?}", well.check().await?);
    ill.close().await?;
    well.close().await?;
    said("health when closed", well.health().as_ref().copied());
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["finish", directory] => finish_all(directory).await,
        ["claim", directory] => claim_twice(directory).await,
        _ => Err("what, and where?".into()),
    }
}
