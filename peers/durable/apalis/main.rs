//! apalis with apalis-sqlite: a pool whose connections sync every commit, and a worker that the update hook wakes.
//!
//! `SqliteStorage::setup` sets `synchronous = OFF` on one connection of the pool, so the migrations are run without it. A connection
//! that nobody has told otherwise has `FULL`, and the journal mode stays in the file.

#[path = "../case.rs"]
mod case;

use std::path::Path;
use std::time::Duration;

use apalis::prelude::{BackendExt, BoxDynError, Strategy, TaskSink, WorkerBuilder, WorkerBuilderExt};
use apalis_sqlite::{Config, SqliteConnectOptions, SqlitePool, SqliteStorage};
use case::{CONCURRENCY, Peer, Works};
use futures::StreamExt;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Apalis {
    pool: SqlitePool,
    storage: SqliteStorage<u64>,
    worker: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

async fn job(job: u64) -> Result<(), BoxDynError> {
    case::work(job);
    Ok(())
}

impl Peer for Apalis {
    async fn open(directory: &Path, works: Works) -> Self {
        let file = directory.join("jobs.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let setting_up = SqlitePool::connect_with(options).await.expect("it can be opened");
        SqliteStorage::migrations().run(&setting_up).await.expect("they are right");
        setting_up.close().await;

        let url = format!("sqlite://{}", file.display());
        let (pool, listener) = SqliteStorage::connect_with_callback(&url).expect("it can be opened");
        let config = Config::default().queue("job").batch_size(CONCURRENCY);
        let storage = SqliteStorage::new(&pool).with_config(config);
        let mut worker = None;
        if works == Works::Yes {
            // The hook tells of a job before its transaction has ended, so it is not enough.
            let strategy =
                Strategy::new().stream(listener.ready_chunks(CONCURRENCY)).interval(Duration::from_millis(10));
            let backend = storage.clone().poll_with_strategy(strategy);
            let building = WorkerBuilder::new("worker").backend(backend).concurrency(CONCURRENCY).build(job);
            let (stop, stopped) = oneshot::channel();
            let running = building.run_until(async {
                let _ = stopped.await;
                Ok::<(), std::io::Error>(())
            });
            worker = Some((stop, tokio::spawn(async { running.await.expect("it ends well") })));
        }
        Self { pool, storage, worker }
    }

    async fn enqueue(&self, job: u64) {
        self.storage.clone().push(job).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let sql = "SELECT count(*) FROM Jobs WHERE status <> 'Done'";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.pool).await.expect("it can be read") as u64
    }

    async fn close(self) {
        if let Some((stop, worker)) = self.worker {
            stop.send(()).expect("it runs");
            worker.await.expect("nothing panics");
        }
        self.pool.close().await;
    }
}

fn main() {
    case::main::<Apalis>();
}
