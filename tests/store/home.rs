//! A store under test, and short words for what is asked of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hostkit::store::{
    Applied, Claim, ClaimRequest, Claimed, ClaimedJob, Enqueued, Finish, JobId, JobView, NewJob, OwnerId, State, Store,
    StoreClock, StoreUrl, Timestamp, Verdict, Wanted, Worker, open_with_clock,
};

pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// A directory that is removed at the end.
#[derive(Debug)]
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("hostkit-store-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("jobs.db")
    }

    pub(crate) fn url(&self) -> StoreUrl {
        StoreUrl::parse(&format!("sqlite://{}", self.file().display())).unwrap()
    }

    /// Without waiting for the disk, which is not what is tested.
    pub(crate) fn fast_url(&self) -> StoreUrl {
        StoreUrl::parse(&format!("sqlite://{}?synchronous=normal", self.file().display())).unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A store and its clock.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: StoreClock,
    directory: Option<Directory>,
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000)
}

impl Home {
    pub(crate) async fn memory() -> Self {
        let clock = StoreClock::manual(start());
        let store = open_with_clock(&StoreUrl::parse("memory://").unwrap(), clock.clone()).await.unwrap();
        Self { store, clock, directory: None }
    }

    pub(crate) async fn sqlite() -> Self {
        let (clock, directory) = (StoreClock::manual(start()), Directory::new());
        let store = open_with_clock(&directory.url(), clock.clone()).await.unwrap();
        Self { store, clock, directory: Some(directory) }
    }

    pub(crate) fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    pub(crate) async fn enqueue(&self, job: NewJob) -> Enqueued {
        let answers = self.store.enqueue(vec![job]).await.unwrap();
        assert_eq!(answers.len(), 1);
        answers[0]
    }

    /// Stores a job of this kind.
    pub(crate) async fn put(&self, kind: &str) -> JobId {
        self.put_with(kind, |_| {}).await
    }

    pub(crate) async fn put_with(&self, kind: &str, change: impl FnOnce(&mut NewJob)) -> JobId {
        let mut job = NewJob::new(kind, kind.as_bytes());
        change(&mut job);
        let id = job.id;
        assert_eq!(self.enqueue(job).await, Enqueued::Stored);
        id
    }

    pub(crate) async fn owner(&self) -> OwnerId {
        self.store.register(Worker { name: "a test".to_owned(), lease: LEASE }).await.unwrap()
    }

    pub(crate) async fn claim_all(&self, owner: OwnerId, kinds: Vec<Wanted>) -> (Vec<ClaimedJob>, Option<Duration>) {
        match self.store.claim(ClaimRequest { owner, kinds }).await.unwrap() {
            Claimed::Jobs { jobs, next } => (jobs, next),
            Claimed::Lost => panic!("the owner is alive"),
        }
    }

    pub(crate) async fn claim_with(
        &self,
        owner: OwnerId,
        kind: &str,
        free: u32,
        change: impl FnOnce(&mut Wanted),
    ) -> (Vec<ClaimedJob>, Option<Duration>) {
        let mut wanted = Wanted::new(kind, free);
        change(&mut wanted);
        self.claim_all(owner, vec![wanted]).await
    }

    pub(crate) async fn claim(&self, owner: OwnerId, kind: &str, free: u32) -> Vec<ClaimedJob> {
        self.claim_with(owner, kind, free, |_| {}).await.0
    }

    /// Claims the one job that there must be.
    pub(crate) async fn claim_one(&self, owner: OwnerId, kind: &str) -> ClaimedJob {
        let mut jobs = self.claim(owner, kind, 1).await;
        assert_eq!(jobs.len(), 1, "there is a job of kind {kind}");
        jobs.remove(0)
    }

    pub(crate) async fn finish(&self, claim: Claim, verdict: Verdict) -> Applied {
        self.store.finish(vec![Finish { claim, verdict }]).await.unwrap()[0]
    }

    pub(crate) async fn done(&self, job: &ClaimedJob) {
        assert_eq!(self.finish(job.claim, Verdict::Done).await, Applied::Applied);
    }

    pub(crate) async fn show(&self, id: JobId) -> JobView {
        self.store.show(id).await.unwrap().unwrap_or_else(|| panic!("job {id} is there"))
    }

    pub(crate) async fn state(&self, id: JobId) -> State {
        self.show(id).await.state
    }

    pub(crate) async fn count(&self, kind: &str, state: State) -> u64 {
        let counts = self.store.counts().await.unwrap();
        counts.iter().find(|counts| &*counts.kind == kind).map_or(0, |counts| counts.of(state))
    }

    /// Lets the leases of all who do not beat run out, and declares them dead.
    pub(crate) async fn crash(&self) -> hostkit::store::Swept {
        self.clock.advance(LEASE);
        self.store.sweep().await.unwrap()
    }

    pub(crate) async fn is_sound(&self) {
        assert_eq!(self.store.check().await.unwrap(), Vec::<String>::new());
    }
}

pub(crate) fn ids(jobs: &[ClaimedJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.claim.id).collect()
}
