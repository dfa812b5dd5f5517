//! fang: its asynchronous queue in a file in WAL mode, whose connections sync every commit, and its pool of workers.

#[path = "../case.rs"]
mod case;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use case::{Peer, Works};
use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use fang::asynk::async_queue::{AsyncQueue, AsyncQueueable};
use fang::asynk::async_runnable::AsyncRunnable;
use fang::asynk::async_worker_pool::AsyncWorkerPool;
use fang::{FangError, RetentionMode, SleepParams};
use serde::{Deserialize, Serialize};

/// Connections of its pool: with more they wait for each other in SQLite, which polls.
const POOL: u32 = 1;
/// Workers that run: two find the same job now and then, and 64 run each job 64 times.
const WORKERS: u32 = 1;
/// How long a worker rests that found nothing.
const REST: Duration = Duration::from_millis(10);

#[derive(Serialize, Deserialize)]
struct Job {
    number: u64,
}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for Job {
    async fn run(&self, _queue: &dyn AsyncQueueable) -> Result<(), FangError> {
        case::work(self.number);
        Ok(())
    }
}

#[derive(diesel::QueryableByName)]
struct Left {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    jobs: i64,
}

struct Fang {
    queue: AsyncQueue,
    file: String,
}

impl Peer for Fang {
    async fn open(directory: &Path, works: Works) -> Self {
        let file = directory.join("jobs.db").display().to_string();
        let mut connection = SqliteConnection::establish(&file).expect("it can be opened");
        connection.batch_execute("PRAGMA journal_mode = WAL").expect("it can be set");
        fang::run_migrations_sqlite(&mut connection).expect("they are right");

        let mut queue = AsyncQueue::builder().uri(format!("sqlite://{file}")).max_pool_size(POOL).build();
        queue.connect().await.expect("it can be opened");
        if works == Works::Yes {
            let rest = SleepParams::builder()
                .sleep_period(REST)
                .min_sleep_period(REST)
                .max_sleep_period(REST)
                .sleep_step(Duration::ZERO)
                .build();
            let mut workers = AsyncWorkerPool::<AsyncQueue>::builder()
                .queue(queue.clone())
                .number_of_workers(WORKERS)
                .sleep_params(rest)
                .retention_mode(RetentionMode::KeepAll)
                .build();
            workers.start().await;
        }
        Self { queue, file }
    }

    async fn enqueue(&self, job: u64) {
        self.queue.insert_task(&Job { number: job }).await.expect("it is stored");
    }

    async fn left(&self) -> u64 {
        let mut connection = SqliteConnection::establish(&self.file).expect("it can be opened");
        let sql = "SELECT count(*) AS jobs FROM fang_tasks WHERE state <> 'finished'";
        let left: Left = diesel::sql_query(sql).get_result(&mut connection).expect("it can be read");
        left.jobs as u64
    }

    async fn close(self) {}
}

fn main() {
    case::main::<Fang>();
}
