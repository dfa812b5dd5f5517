//! What comes in.

use std::time::Duration;

use hostkit::store::{Due, Enqueued, JobId, NewJob, PAYLOAD_LIMIT, Rejection, State, Unique, UniqueMode, Verdict};

use crate::home::{Home, ids};

const HOUR: Duration = Duration::from_hours(1);

async fn a_job_comes_out_as_it_went_in(home: Home) {
    let mut job = NewJob::new("mail", vec![0, 255, 7]);
    job.envelope.version = 3;
    job.envelope.trace = Some("00-abc-def-01".to_owned());
    job.priority = -5;
    job.serial_key = Some("customer 7".to_owned());
    assert_eq!(home.enqueue(job.clone()).await, Enqueued::Stored);
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "mail").await;
    assert_eq!(
        (claimed.claim.id, &*claimed.kind, &claimed.payload, &claimed.envelope, claimed.priority, &claimed.serial_key),
        (job.id, "mail", &job.payload, &job.envelope, job.priority, &job.serial_key)
    );
    assert_eq!((claimed.claim.epoch, claimed.attempt, claimed.crashes), (1, 1, 0));
    assert_eq!((claimed.enqueued_at, claimed.due), (home.clock.now(), home.clock.now()));
}

async fn many_jobs_are_answered_one_by_one_and_in_order(home: Home) {
    let mut jobs: Vec<_> = (0..5_u8).map(|number| NewJob::new("mail", vec![number])).collect();
    jobs[2].id = jobs[0].id;
    jobs[3].payload = vec![0; PAYLOAD_LIMIT + 1];
    let expected = [
        Enqueued::Stored,
        Enqueued::Stored,
        Enqueued::Rejected(Rejection::Duplicate(jobs[0].id)),
        Enqueued::Rejected(Rejection::TooLarge(PAYLOAD_LIMIT + 1)),
        Enqueued::Stored,
    ];
    assert_eq!(home.store.enqueue(jobs).await.unwrap(), expected);
    let owner = home.owner().await;
    let payloads: Vec<_> = home.claim(owner, "mail", 9).await.into_iter().map(|job| job.payload).collect();
    assert_eq!(payloads, [[0], [1], [4]]);
}

async fn payloads_are_taken_up_to_the_limit(home: Home) {
    for size in [0, 1, 4096, PAYLOAD_LIMIT] {
        let payload: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let id = home.put_with("mail", |job| job.payload.clone_from(&payload)).await;
        assert_eq!(home.show(id).await.payload, payload, "{size} bytes");
        let owner = home.owner().await;
        let claimed = home.claim_one(owner, "mail").await;
        assert_eq!(claimed.payload, payload, "{size} bytes");
        home.done(&claimed).await;
        assert_eq!(home.show(id).await.payload, payload, "{size} bytes");
    }
}

async fn a_name_is_stored_once(home: Home) {
    let id = home.put("mail").await;
    let mut again = NewJob::new("other", *b"");
    again.id = id;
    assert_eq!(home.enqueue(again.clone()).await, Enqueued::Rejected(Rejection::Duplicate(id)));
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "mail").await;
    home.done(&claimed).await;
    assert_eq!(home.enqueue(again).await, Enqueued::Rejected(Rejection::Duplicate(id)));
}

async fn an_idempotency_key_makes_a_repetition_a_duplicate(home: Home) {
    let with_key = |kind: &str, key: &str| {
        let mut job = NewJob::new(kind, *b"");
        job.idempotency_key = Some(key.to_owned());
        job
    };
    let first = with_key("mail", "a");
    let id = first.id;
    assert_eq!(home.enqueue(first).await, Enqueued::Stored);
    assert_eq!(home.enqueue(with_key("mail", "a")).await, Enqueued::Rejected(Rejection::Duplicate(id)));
    assert_eq!(home.enqueue(with_key("mail", "b")).await, Enqueued::Stored);
    assert_eq!(home.enqueue(with_key("other", "a")).await, Enqueued::Stored);
    // It outlives the job for a day from when that was enqueued, and a job for as long as that is kept.
    let owner = home.owner().await;
    let claimed = home.claim(owner, "mail", 1).await;
    home.done(&claimed[0]).await;
    home.clock.advance(HOUR * 30);
    assert_eq!(home.enqueue(with_key("mail", "a")).await, Enqueued::Rejected(Rejection::Duplicate(id)));
    assert_eq!(home.enqueue(with_key("other", "c")).await, Enqueued::Stored);
    let filter = hostkit::store::Filter::default();
    assert_eq!(home.store.purge(filter, 10).await.unwrap().changed, 1);
    assert_eq!(home.enqueue(with_key("mail", "a")).await, Enqueued::Stored);
}

async fn an_idempotency_key_outlives_a_job_that_was_deleted_soon(home: Home) {
    let with_key = || {
        let mut job = NewJob::new("mail", *b"");
        job.idempotency_key = Some("a".to_owned());
        job
    };
    let first = with_key();
    let id = first.id;
    assert_eq!(home.enqueue(first).await, Enqueued::Stored);
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "mail").await;
    home.done(&claimed).await;
    assert_eq!(home.store.purge(hostkit::store::Filter::default(), 10).await.unwrap().changed, 1);
    home.clock.advance(HOUR * 23);
    assert_eq!(home.enqueue(with_key()).await, Enqueued::Rejected(Rejection::Duplicate(id)));
    home.clock.advance(HOUR);
    assert_eq!(home.enqueue(with_key()).await, Enqueued::Stored);
}

async fn a_full_kind_refuses_and_has_room_again(home: Home) {
    let limited = |kind: &str| {
        let mut job = NewJob::new(kind, *b"");
        job.capacity = Some(2);
        job
    };
    let answers = home.store.enqueue((0..3).map(|_| limited("mail")).collect()).await.unwrap();
    assert_eq!(answers, [Enqueued::Stored, Enqueued::Stored, Enqueued::Rejected(Rejection::Full)]);
    assert_eq!(home.enqueue(limited("other")).await, Enqueued::Stored);
    let owner = home.owner().await;
    assert_eq!(home.claim(owner, "mail", 1).await.len(), 1);
    assert_eq!(home.enqueue(limited("mail")).await, Enqueued::Stored);
    assert_eq!(home.enqueue(limited("mail")).await, Enqueued::Rejected(Rejection::Full));
}

fn unique(mode: UniqueMode) -> NewJob {
    let mut job = NewJob::new("report", *b"");
    job.unique = Some(Unique { key: "monthly".to_owned(), mode });
    job
}

async fn put_unique(home: &Home, mode: UniqueMode) -> Result<JobId, JobId> {
    let job = unique(mode);
    let id = job.id;
    match home.enqueue(job).await {
        Enqueued::Stored => Ok(id),
        Enqueued::Rejected(Rejection::Duplicate(other)) => Err(other),
        other => panic!("{other:?}"),
    }
}

async fn while_pending_a_key_is_held_until_the_first_attempt(home: Home) {
    let mode = UniqueMode::WhilePending;
    let first = put_unique(&home, mode).await.unwrap();
    assert_eq!(put_unique(&home, mode).await, Err(first));
    let owner = home.owner().await;
    home.claim_one(owner, "report").await;
    let second = put_unique(&home, mode).await.unwrap();
    assert_eq!(put_unique(&home, mode).await, Err(second));
    home.store.cancel(second, "enough").await.unwrap();
    assert!(put_unique(&home, mode).await.is_ok());
}

async fn while_active_a_key_is_held_until_the_outcome(home: Home) {
    let mode = UniqueMode::WhileActive;
    let first = put_unique(&home, mode).await.unwrap();
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "report").await;
    assert_eq!(put_unique(&home, mode).await, Err(first));
    home.finish(claimed.claim, Verdict::Retry { after: Duration::ZERO, error: "no".to_owned() }).await;
    assert_eq!(put_unique(&home, mode).await, Err(first));
    let claimed = home.claim_one(owner, "report").await;
    home.done(&claimed).await;
    assert!(put_unique(&home, mode).await.is_ok());
}

async fn throttled_one_job_is_taken_in_a_period_whatever_becomes_of_it(home: Home) {
    let mode = UniqueMode::Throttle(HOUR);
    let first = put_unique(&home, mode).await.unwrap();
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "report").await;
    home.done(&claimed).await;
    assert_eq!(put_unique(&home, mode).await, Err(first));
    home.clock.advance(HOUR - Duration::from_micros(1));
    assert_eq!(put_unique(&home, mode).await, Err(first));
    home.clock.advance(Duration::from_micros(1));
    assert!(put_unique(&home, mode).await.is_ok());
}

async fn debounced_the_last_job_counts_and_runs_after_a_quiet_time(home: Home) {
    let mode = UniqueMode::Debounce(HOUR);
    let first = put_unique(&home, mode).await.unwrap();
    home.clock.advance(HOUR / 2);
    let mut later = unique(mode);
    later.payload = b"later".to_vec();
    later.priority = 3;
    assert_eq!(home.enqueue(later).await, Enqueued::Replaced(first));
    home.clock.advance(HOUR / 2);
    let owner = home.owner().await;
    assert_eq!(home.claim(owner, "report", 1).await, []);
    home.clock.advance(HOUR / 2);
    let claimed = home.claim_one(owner, "report").await;
    assert_eq!((claimed.claim.id, &*claimed.payload, claimed.priority), (first, &b"later"[..], 3));
    assert!(put_unique(&home, mode).await.is_ok());
    assert_eq!(home.count("report", State::Waiting).await, 1);
}

async fn a_delayed_job_waits_for_its_instant(home: Home) {
    let after = home.put_with("mail", |job| job.due = Due::After(HOUR)).await;
    let at = home.clock.now().after(2 * HOUR);
    let exact = home.put_with("mail", |job| job.due = Due::At(at)).await;
    let past = home.put_with("mail", |job| job.due = Due::At(at.before(9 * HOUR))).await;
    let owner = home.owner().await;
    assert_eq!(ids(&home.claim(owner, "mail", 9).await), [past]);
    let (none, next) = home.claim_with(owner, "mail", 9, |_| {}).await;
    assert_eq!((none.len(), next), (0, Some(HOUR)));
    home.clock.advance(HOUR - Duration::from_micros(1));
    assert_eq!(home.claim_with(owner, "mail", 9, |_| {}).await, (vec![], Some(Duration::from_micros(1))));
    home.clock.advance(Duration::from_micros(1));
    let (jobs, next) = home.claim_with(owner, "mail", 9, |_| {}).await;
    assert_eq!((ids(&jobs), next), (vec![after], Some(HOUR)));
    home.clock.advance(HOUR);
    assert_eq!(home.claim_one(owner, "mail").await.claim.id, exact);
}

async fn an_occurrence_is_stored_once(home: Home) {
    let instant = home.clock.now();
    assert_eq!(home.store.last_occurrence("nightly").await.unwrap(), None);
    let (first, second) = (NewJob::new("report", *b""), NewJob::new("report", *b""));
    let id = first.id;
    assert_eq!(home.store.enqueue_occurrence("nightly", instant, first).await.unwrap(), Enqueued::Stored);
    let duplicate = Enqueued::Rejected(Rejection::Duplicate(id));
    assert_eq!(home.store.enqueue_occurrence("nightly", instant, second.clone()).await.unwrap(), duplicate);
    let other = NewJob::new("report", *b"");
    assert_eq!(home.store.enqueue_occurrence("weekly", instant, other).await.unwrap(), Enqueued::Stored);
    let next = instant.after(HOUR);
    assert_eq!(home.store.enqueue_occurrence("nightly", next, second).await.unwrap(), Enqueued::Stored);
    assert_eq!(home.store.last_occurrence("nightly").await.unwrap(), Some(next));
    assert_eq!(home.count("report", State::Waiting).await, 3);
}

async fn an_occurrence_that_is_refused_may_come_again(home: Home) {
    let instant = home.clock.now();
    home.put("report").await;
    let mut job = NewJob::new("report", *b"");
    job.capacity = Some(1);
    let refused = home.store.enqueue_occurrence("nightly", instant, job.clone()).await.unwrap();
    assert_eq!(refused, Enqueued::Rejected(Rejection::Full));
    assert_eq!(home.store.last_occurrence("nightly").await.unwrap(), None);
    let owner = home.owner().await;
    home.claim_one(owner, "report").await;
    assert_eq!(home.store.enqueue_occurrence("nightly", instant, job).await.unwrap(), Enqueued::Stored);
}

async fn a_closed_store_takes_nothing(home: Home) {
    home.store.close().await.unwrap();
    assert_eq!(home.enqueue(NewJob::new("mail", *b"")).await, Enqueued::Rejected(Rejection::Closed));
    let error = home.store.counts().await.unwrap_err();
    assert!(error.is_closed() && !error.is_unknown(), "{error}");
    let error = home.store.sweep().await.unwrap_err();
    assert!(error.is_closed() && !error.is_unknown(), "{error}");
}

async fn whoever_waits_is_told_of_a_job(home: Home) {
    let mut changes = home.store.changes();
    changes.mark_unchanged();
    home.put("mail").await;
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.expect("it is told").unwrap();
}

crate::on_every_home! {
    a_job_comes_out_as_it_went_in
    many_jobs_are_answered_one_by_one_and_in_order
    payloads_are_taken_up_to_the_limit
    a_name_is_stored_once
    an_idempotency_key_makes_a_repetition_a_duplicate
    an_idempotency_key_outlives_a_job_that_was_deleted_soon
    a_full_kind_refuses_and_has_room_again
    while_pending_a_key_is_held_until_the_first_attempt
    while_active_a_key_is_held_until_the_outcome
    throttled_one_job_is_taken_in_a_period_whatever_becomes_of_it
    debounced_the_last_job_counts_and_runs_after_a_quiet_time
    a_delayed_job_waits_for_its_instant
    an_occurrence_is_stored_once
    an_occurrence_that_is_refused_may_come_again
    a_closed_store_takes_nothing
    whoever_waits_is_told_of_a_job
}
