//! What people do.

use std::time::Duration;

use hostkit::store::{
    Applied, Batch, Changed, Delivery, Due, Enqueued, Filter, JobId, NewJob, OCCURRENCES_KEPT, PageRequest, Rejection,
    Retention, State, Unique, UniqueMode, Verdict, Worker,
};

use crate::home::Home;

const HOUR: Duration = Duration::from_hours(1);

/// A job in each state, all of one kind.
async fn one_of_each(home: &Home, kind: &str) -> Vec<(State, JobId)> {
    // Who outlives whatever the test does.
    let lease = 1_000_000 * HOUR;
    let owner = home.store.register(Worker { name: "a patient".to_owned(), lease }).await.unwrap();
    let mut jobs = Vec::new();
    for state in [State::Done, State::Dead, State::Cancelled, State::Running] {
        // Before what waits from an earlier time.
        let id = home.put_with(kind, |job| job.priority = 1).await;
        let claimed = home.claim_one(owner, kind).await;
        let text = || "because".to_owned();
        match state {
            State::Done => home.finish(claimed.claim, Verdict::Done).await,
            State::Dead => home.finish(claimed.claim, Verdict::Dead { error: text() }).await,
            State::Cancelled => home.finish(claimed.claim, Verdict::Cancelled { reason: text() }).await,
            _ => Applied::Applied,
        };
        jobs.push((state, id));
    }
    let doomed = home.owner().await;
    let id = home.put_with(kind, |job| job.priority = 1).await;
    home.claim_with(doomed, kind, 1, |wanted| wanted.delivery = Delivery::AtMostOnce).await;
    assert_eq!(home.crash().await.quarantined, 1);
    jobs.push((State::Quarantined, id));
    jobs.push((State::Waiting, home.put(kind).await));
    for (state, id) in &jobs {
        assert_eq!(home.state(*id).await, *state);
    }
    jobs
}

async fn counts_name_every_state_of_every_kind(home: Home) {
    one_of_each(&home, "mail").await;
    home.put("zebra").await;
    let counts = home.store.counts().await.unwrap();
    assert_eq!(counts.iter().map(|counts| &*counts.kind).collect::<Vec<_>>(), ["mail", "zebra"]);
    for state in State::ALL {
        assert_eq!(counts[0].of(state), 1, "{state}");
        assert_eq!(counts[1].of(state), u64::from(state == State::Waiting), "{state}");
    }
    assert_eq!(counts[0].all(), 6);
    home.is_sound().await;
}

async fn lists_begin_with_the_latest_and_come_in_pages(home: Home) {
    let mut all = one_of_each(&home, "mail").await;
    all.extend(one_of_each(&home, "report").await);
    all.reverse();
    for limit in [1, 2, 5, 100] {
        for kind in [None, Some("mail"), Some("report"), Some("never")] {
            for state in [None].into_iter().chain(State::ALL.map(Some)) {
                let filter = Filter { kind: kind.map(Into::into), state };
                let (mut listed, mut after) = (Vec::new(), None);
                loop {
                    let page = home.store.list(filter.clone(), PageRequest { limit, after }).await.unwrap();
                    assert!(page.jobs.len() <= limit as usize);
                    listed.extend(page.jobs.iter().map(|job| (job.state, job.id)));
                    assert!(page.jobs.iter().all(|job| kind.is_none_or(|kind| &*job.kind == kind)));
                    let Some(next) = page.next else { break };
                    after = Some(next);
                }
                let mut expected = Vec::new();
                for job in &all {
                    let of_kind = kind.is_none_or(|kind| kind != "never")
                        && (kind.is_none() || &*home.show(job.1).await.kind == kind.unwrap());
                    if of_kind && state.is_none_or(|state| state == job.0) {
                        expected.push(*job);
                    }
                }
                assert_eq!(listed, expected, "{filter:?} by {limit}");
            }
        }
    }
}

async fn cancelling_is_possible_before_the_outcome_and_for_dead_letters(home: Home) {
    for (state, id) in one_of_each(&home, "mail").await {
        let (answer, after) = match state {
            State::Waiting | State::Dead | State::Quarantined => (Changed::Changed, State::Cancelled),
            State::Running => (Changed::Requested, State::Running),
            State::Done | State::Cancelled => (Changed::Refused(state), state),
        };
        assert_eq!(home.store.cancel(id, "enough").await.unwrap(), answer, "{state}");
        assert_eq!(home.state(id).await, after, "{state}");
    }
    assert_eq!(home.store.cancel(JobId::new(), "enough").await.unwrap(), Changed::NotFound);
    home.is_sound().await;
}

async fn a_retried_job_begins_anew(home: Home) {
    let jobs = one_of_each(&home, "mail").await;
    for (state, id) in jobs {
        let answer = home.store.retry(id).await.unwrap();
        if state == State::Running {
            assert_eq!(answer, Changed::Refused(State::Running));
            continue;
        }
        assert_eq!(answer, Changed::Changed, "{state}");
        let view = home.show(id).await;
        assert_eq!((view.state, view.failures, view.crashes, view.ended_at), (State::Waiting, 0, 0, None), "{state}");
        assert_eq!((view.due, view.reason), (home.clock.now(), None), "{state}");
    }
    assert_eq!(home.store.retry(JobId::new()).await.unwrap(), Changed::NotFound);
    home.is_sound().await;
}

async fn a_delayed_job_that_is_retried_is_due_now(home: Home) {
    let id = home.put_with("mail", |job| job.due = Due::After(HOUR)).await;
    let owner = home.owner().await;
    assert_eq!(home.claim(owner, "mail", 1).await, []);
    assert_eq!(home.store.retry(id).await.unwrap(), Changed::Changed);
    assert_eq!(home.claim_one(owner, "mail").await.claim.id, id);
}

async fn a_retry_does_not_break_a_unique_key(home: Home) {
    let unique = || {
        let mut job = NewJob::new("report", *b"");
        job.unique = Some(Unique { key: "k".to_owned(), mode: UniqueMode::WhileActive });
        job
    };
    let (first, second) = (unique(), unique());
    let (first_id, second_id) = (first.id, second.id);
    home.enqueue(first).await;
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "report").await;
    home.finish(claimed.claim, Verdict::Dead { error: "no".to_owned() }).await;
    home.enqueue(second).await;
    assert_eq!(home.store.retry(first_id).await.unwrap(), Changed::Duplicate(second_id));
    assert_eq!(home.store.redrive(Filter::default(), 9).await.unwrap(), Batch { changed: 0, has_more: false });
    home.store.cancel(second_id, "no").await.unwrap();
    assert_eq!(home.store.retry(first_id).await.unwrap(), Changed::Changed);
    assert_eq!(home.enqueue(unique()).await, Enqueued::Rejected(Rejection::Duplicate(first_id)));
}

async fn dead_letters_are_redriven_in_batches_the_oldest_first(home: Home) {
    let owner = home.owner().await;
    let mut dead = Vec::new();
    for _ in 0..5 {
        dead.push(home.put("mail").await);
        let claimed = home.claim_one(owner, "mail").await;
        home.finish(claimed.claim, Verdict::Dead { error: "no".to_owned() }).await;
    }
    one_of_each(&home, "other").await;
    let mail = Filter { kind: Some("mail".into()), state: None };
    assert_eq!(home.store.redrive(mail.clone(), 3).await.unwrap(), Batch { changed: 3, has_more: true });
    for (number, id) in dead.iter().enumerate() {
        assert_eq!(home.state(*id).await, if number < 3 { State::Waiting } else { State::Dead });
    }
    assert_eq!(home.store.redrive(mail.clone(), 3).await.unwrap(), Batch { changed: 2, has_more: false });
    let dead_only = Filter { kind: None, state: Some(State::Dead) };
    assert_eq!(home.store.redrive(dead_only, 9).await.unwrap().changed, 1);
    let done = Filter { kind: None, state: Some(State::Done) };
    assert_eq!(home.store.redrive(done, 9).await.unwrap().changed, 0);
    assert_eq!(home.store.redrive(Filter::default(), 9).await.unwrap().changed, 1);
    home.is_sound().await;
}

async fn a_purge_deletes_only_what_has_an_outcome(home: Home) {
    let jobs = one_of_each(&home, "mail").await;
    let waiting = Filter { kind: None, state: Some(State::Waiting) };
    assert_eq!(home.store.purge(waiting, 9).await.unwrap().changed, 0);
    let dead = Filter { kind: Some("mail".into()), state: Some(State::Dead) };
    assert_eq!(home.store.purge(dead, 9).await.unwrap().changed, 1);
    assert_eq!(home.store.purge(Filter::default(), 2).await.unwrap(), Batch { changed: 2, has_more: true });
    assert_eq!(home.store.purge(Filter::default(), 2).await.unwrap(), Batch { changed: 1, has_more: false });
    for (state, id) in jobs {
        assert_eq!(home.store.show(id).await.unwrap().is_none(), state.is_outcome(), "{state}");
    }
    home.is_sound().await;
}

async fn a_job_is_deleted_only_when_it_has_an_outcome(home: Home) {
    let jobs = one_of_each(&home, "mail").await;
    for (state, id) in jobs {
        let expected = if state.is_outcome() { Changed::Changed } else { Changed::Refused(state) };
        assert_eq!(home.store.delete(id).await.unwrap(), expected, "{state}");
        assert_eq!(home.store.show(id).await.unwrap().is_none(), state.is_outcome(), "{state}");
    }
    assert_eq!(home.store.delete(JobId::new()).await.unwrap(), Changed::NotFound);
    home.is_sound().await;
    // With a payload beside its row, and a key that outlives it.
    let large = |job: &mut NewJob| (job.payload, job.idempotency_key) = (vec![7; 5000], Some("once".to_owned()));
    let id = home.put_with("report", large).await;
    home.store.cancel(id, "").await.unwrap();
    assert_eq!(home.store.delete(id).await.unwrap(), Changed::Changed);
    let mut again = NewJob::new("report", *b"");
    again.idempotency_key = Some("once".to_owned());
    assert_eq!(home.enqueue(again).await, Enqueued::Rejected(Rejection::Duplicate(id)));
    home.is_sound().await;
}

async fn what_was_kept_long_enough_is_pruned_in_batches(home: Home) {
    let old = one_of_each(&home, "mail").await;
    let other = one_of_each(&home, "other").await;
    home.clock.advance(HOUR);
    let young = one_of_each(&home, "mail").await;
    let retention = |done, dead| Retention { kind: "mail".into(), done, dead };
    let long = retention(9 * HOUR, 9 * HOUR);
    assert_eq!(home.store.prune(long, 9).await.unwrap(), Batch { changed: 0, has_more: false });
    assert_eq!(home.store.prune(retention(HOUR, HOUR), 3).await.unwrap(), Batch { changed: 3, has_more: true });
    assert_eq!(home.store.prune(retention(HOUR, HOUR), 3).await.unwrap(), Batch { changed: 1, has_more: false });
    for (state, id) in old {
        assert_eq!(home.store.show(id).await.unwrap().is_none(), state.is_outcome(), "{state}");
    }
    for (_, id) in other.into_iter().chain(young.clone()) {
        home.show(id).await;
    }
    let done_now = retention(Duration::ZERO, 9 * HOUR);
    assert_eq!(home.store.prune(done_now, 9).await.unwrap().changed, 2);
    for (state, id) in young {
        let pruned = matches!(state, State::Done | State::Cancelled);
        assert_eq!(home.store.show(id).await.unwrap().is_none(), pruned, "{state}");
    }
    home.is_sound().await;
}

async fn the_last_occurrence_outlives_retention(home: Home) {
    let first = home.clock.now();
    let store = |instant| home.store.enqueue_occurrence("nightly", instant, NewJob::new("report", *b""));
    assert_eq!(store(first).await.unwrap(), Enqueued::Stored);
    let later = first.after(OCCURRENCES_KEPT).after(HOUR);
    assert_eq!(store(later).await.unwrap(), Enqueued::Stored);
    home.clock.advance(4 * OCCURRENCES_KEPT);
    let retention = Retention { kind: "report".into(), done: HOUR, dead: HOUR };
    home.store.prune(retention, 9).await.unwrap();
    assert_eq!(home.store.last_occurrence("nightly").await.unwrap(), Some(later));
    // What was forgotten still counts as stored.
    assert!(matches!(store(first).await.unwrap(), Enqueued::Rejected(Rejection::Duplicate(_))));
    assert!(matches!(store(later).await.unwrap(), Enqueued::Rejected(Rejection::Duplicate(_))));
}

crate::on_every_home! {
    counts_name_every_state_of_every_kind
    lists_begin_with_the_latest_and_come_in_pages
    cancelling_is_possible_before_the_outcome_and_for_dead_letters
    a_retried_job_begins_anew
    a_delayed_job_that_is_retried_is_due_now
    a_retry_does_not_break_a_unique_key
    dead_letters_are_redriven_in_batches_the_oldest_first
    a_purge_deletes_only_what_has_an_outcome
    a_job_is_deleted_only_when_it_has_an_outcome
    what_was_kept_long_enough_is_pruned_in_batches
    the_last_occurrence_outlives_retention
}
