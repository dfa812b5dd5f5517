//! What is given to whom, in which order and under which limits.

use std::num::NonZeroU32;
use std::time::Duration;

use hostkit::store::{Delivery, Due, Rate, State, Verdict, Wanted};

use crate::home::{Home, ids};

const SECOND: Duration = Duration::from_secs(1);

async fn jobs_go_by_priority_then_due_time_then_age(home: Home) {
    let now = home.clock.now();
    let normal = home.put("mail").await;
    let late = home.put("mail").await;
    let overdue = home.put_with("mail", |job| job.due = Due::At(now.before(SECOND))).await;
    let urgent = home.put_with("mail", |job| job.priority = 7).await;
    let idle = home.put_with("mail", |job| job.priority = -7).await;
    home.put_with("mail", |job| (job.priority, job.due) = (9, Due::After(SECOND))).await;
    let owner = home.owner().await;
    assert_eq!(ids(&home.claim(owner, "mail", 9).await), [urgent, overdue, normal, late, idle]);
}

async fn a_claim_takes_what_there_is_room_for_and_each_job_once(home: Home) {
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(home.put("mail").await);
    }
    let (one, other) = (home.owner().await, home.owner().await);
    assert_eq!(home.claim(one, "mail", 0).await, []);
    let mut taken = ids(&home.claim(one, "mail", 3).await);
    taken.extend(ids(&home.claim(other, "mail", 3).await));
    taken.extend(ids(&home.claim(one, "mail", 9).await));
    assert_eq!(taken, all);
    assert_eq!(home.claim_with(one, "mail", 9, |_| {}).await, (vec![], None));
}

async fn only_kinds_that_are_asked_for_are_given(home: Home) {
    let mail = home.put("mail").await;
    let unknown = home.put("from a newer program").await;
    let report = home.put("report").await;
    let owner = home.owner().await;
    let kinds = vec![Wanted::new("report", 5), Wanted::new("mail", 5), Wanted::new("never", 5)];
    let (jobs, next) = home.claim_all(owner, kinds).await;
    assert_eq!((ids(&jobs), next), (vec![report, mail], None));
    assert_eq!(home.state(unknown).await, State::Waiting);
}

async fn of_one_key_no_more_run_at_once_than_may(home: Home) {
    let two = |wanted: &mut Wanted| wanted.per_key = NonZeroU32::new(2);
    let mut jobs = Vec::new();
    for number in 0..9 {
        let key = ["a", "b", "c"][number % 3].to_owned();
        jobs.push(home.put_with("sync", |job| job.serial_key = Some(key)).await);
    }
    let free = home.put("sync").await;
    let (one, other) = (home.owner().await, home.owner().await);
    let first = home.claim_with(one, "sync", 4, two).await.0;
    assert_eq!(ids(&first), jobs[0..4]);
    let second = home.claim_with(other, "sync", 9, two).await.0;
    assert_eq!(ids(&second), [jobs[4], jobs[5], free]);
    assert_eq!(home.claim_with(other, "sync", 9, two).await, (vec![], None));
    // Each way of ending frees the key.
    home.done(&first[0]).await;
    assert_eq!(ids(&home.claim_with(other, "sync", 9, two).await.0), [jobs[6]]);
    home.finish(first[1].claim, Verdict::Retry { after: SECOND, error: "no".to_owned() }).await;
    assert_eq!(ids(&home.claim_with(other, "sync", 9, two).await.0), [jobs[7]]);
    home.finish(first[2].claim, Verdict::Cancelled { reason: "no".to_owned() }).await;
    assert_eq!(ids(&home.claim_with(other, "sync", 9, two).await.0), [jobs[8]]);
    home.clock.advance(SECOND);
    assert_eq!(home.claim_with(other, "sync", 9, two).await.0, []);
    home.is_sound().await;
}

async fn a_long_line_behind_one_key_holds_up_nobody_else(home: Home) {
    let one_each = |wanted: &mut Wanted| wanted.per_key = NonZeroU32::new(1);
    let mut line = Vec::new();
    for _ in 0..50 {
        line.push(home.put_with("sync", |job| job.serial_key = Some("busy".to_owned())).await);
    }
    let free = home.put_with("sync", |job| job.serial_key = Some("quiet".to_owned())).await;
    let owner = home.owner().await;
    let mut running = home.claim_with(owner, "sync", 2, one_each).await.0;
    assert_eq!(ids(&running), [line[0], free]);
    for expected in &line[1..] {
        home.done(&running[0]).await;
        running = home.claim_with(owner, "sync", 2, one_each).await.0;
        assert_eq!(ids(&running), [*expected]);
    }
    home.is_sound().await;
}

async fn a_job_with_priority_overtakes_the_line_behind_its_key(home: Home) {
    let one_each = |wanted: &mut Wanted| wanted.per_key = NonZeroU32::new(1);
    let key = || Some("a".to_owned());
    let first = home.put_with("sync", |job| job.serial_key = key()).await;
    let second = home.put_with("sync", |job| job.serial_key = key()).await;
    let third = home.put_with("sync", |job| job.serial_key = key()).await;
    let owner = home.owner().await;
    let running = home.claim_with(owner, "sync", 9, one_each).await.0;
    assert_eq!(ids(&running), [first]);
    let urgent = home.put_with("sync", |job| (job.serial_key, job.priority) = (key(), 1)).await;
    let mut running = running;
    for expected in [urgent, second, third] {
        home.done(&running[0]).await;
        running = home.claim_with(owner, "sync", 9, one_each).await.0;
        assert_eq!(ids(&running), [expected]);
    }
}

async fn what_waited_first_behind_its_key_takes_the_place_of_a_cancelled_job(home: Home) {
    let one_each = |wanted: &mut Wanted| wanted.per_key = NonZeroU32::new(1);
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(home.put_with("sync", |job| job.serial_key = Some("a".to_owned())).await);
    }
    let owner = home.owner().await;
    let running = home.claim_with(owner, "sync", 9, one_each).await.0;
    home.done(&running[0]).await;
    home.store.cancel(jobs[1], "no").await.unwrap();
    assert_eq!(ids(&home.claim_with(owner, "sync", 9, one_each).await.0), [jobs[2]]);
    home.is_sound().await;
}

async fn a_limit_per_key_that_is_raised_or_lifted_holds_nobody_back(home: Home) {
    let owner = home.owner().await;
    for _ in 0..6 {
        home.put_with("sync", |job| job.serial_key = Some("a".to_owned())).await;
    }
    let limit = |most| move |wanted: &mut Wanted| wanted.per_key = NonZeroU32::new(most);
    let first = home.claim_with(owner, "sync", 9, limit(1)).await.0;
    assert_eq!(first.len(), 1);
    home.done(&first[0]).await;
    let mut running = 0;
    for _ in 0..9 {
        running += home.claim_with(owner, "sync", 9, limit(3)).await.0.len();
    }
    assert_eq!(running, 3);
    for _ in 0..9 {
        running += home.claim_with(owner, "sync", 9, |_| {}).await.0.len();
    }
    assert_eq!(running, 5);
    home.is_sound().await;
}

async fn a_rate_is_kept_over_all_owners(home: Home) {
    for _ in 0..20 {
        home.put("sms").await;
    }
    let rate = |wanted: &mut Wanted| wanted.rate = Some(Rate { count: NonZeroU32::new(4).unwrap(), per: SECOND });
    let (one, other) = (home.owner().await, home.owner().await);
    assert_eq!(home.claim_with(one, "sms", 3, rate).await.0.len(), 3);
    let (jobs, next) = home.claim_with(other, "sms", 3, rate).await;
    assert_eq!((jobs.len(), next), (1, Some(SECOND / 4)));
    assert_eq!(home.claim_with(one, "sms", 3, rate).await, (vec![], Some(SECOND / 4)));
    home.clock.advance(SECOND / 2);
    assert_eq!(home.claim_with(one, "sms", 9, rate).await.0.len(), 2);
    home.clock.advance(SECOND * 60);
    assert_eq!(home.claim_with(one, "sms", 9, rate).await.0.len(), 4);
}

async fn epochs_rise_with_every_claim(home: Home) {
    let id = home.put("mail").await;
    let owner = home.owner().await;
    for epoch in 1..=5 {
        let claimed = home.claim_one(owner, "mail").await;
        assert_eq!((claimed.claim.id, claimed.claim.epoch, claimed.attempt), (id, epoch, 1));
        home.finish(claimed.claim, Verdict::Released).await;
    }
    home.store.cancel(id, "no").await.unwrap();
    home.store.retry(id).await.unwrap();
    assert_eq!(home.claim_one(owner, "mail").await.claim.epoch, 6);
}

async fn suspects_of_two_kinds_do_not_run_beside_each_other(home: Home) {
    let lost = home.owner().await;
    for kind in ["mail", "print"] {
        home.put(kind).await;
        home.claim_one(lost, kind).await;
    }
    home.crash().await;

    let owner = home.owner().await;
    let first = home.claim(owner, "mail", 9).await;
    assert_eq!((first.len(), first[0].crashes), (1, 1));
    home.put("print").await;
    assert_eq!(home.claim(owner, "print", 9).await.len(), 0, "not beside another, and nobody overtakes it");
    home.done(&first[0]).await;
    let second = home.claim(owner, "print", 9).await;
    assert_eq!((second.len(), second[0].crashes), (1, 1));
}

async fn a_suspect_runs_alone_among_its_kind(home: Home) {
    let doomed = home.owner().await;
    let suspect = home.put("mail").await;
    home.claim_one(doomed, "mail").await;
    home.crash().await;
    let owner = home.owner().await;
    let normal = home.put_with("mail", |job| job.priority = 9).await;
    home.put("other").await;
    // It goes first and alone, and others of its kind wait until it is over. Other kinds do not.
    let alone = home.claim(owner, "mail", 9).await;
    assert_eq!((ids(&alone), alone[0].crashes, alone[0].attempt), (vec![suspect], 1, 1));
    assert_eq!(home.claim_with(owner, "mail", 9, |_| {}).await, (vec![], None));
    assert_eq!(home.claim(owner, "other", 9).await.len(), 1);
    let another = home.owner().await;
    assert_eq!(ids(&home.claim(another, "mail", 9).await), [normal]);
    home.done(&alone[0]).await;
    let last = home.put("mail").await;
    assert_eq!(ids(&home.claim(owner, "mail", 9).await), [last]);
}

async fn a_suspect_waits_until_its_owner_has_nothing_else_of_its_kind(home: Home) {
    let doomed = home.owner().await;
    let suspect = home.put("mail").await;
    home.claim_one(doomed, "mail").await;
    let owner = {
        home.clock.advance(crate::home::LEASE / 2);
        home.owner().await
    };
    let normal = home.put("mail").await;
    let running = home.claim(owner, "mail", 1).await;
    assert_eq!(ids(&running), [normal]);
    home.clock.advance(crate::home::LEASE / 2);
    assert_eq!(home.store.sweep().await.unwrap().interrupted, 1);
    home.put("mail").await;
    assert_eq!(home.claim_with(owner, "mail", 9, |_| {}).await, (vec![], None));
    home.done(&running[0]).await;
    assert_eq!(ids(&home.claim(owner, "mail", 9).await), [suspect]);
}

async fn the_third_crash_convicts(home: Home) {
    let id = home.put("mail").await;
    for crash in 1..=3 {
        let doomed = home.owner().await;
        assert_eq!(home.claim_one(doomed, "mail").await.crashes, crash - 1);
        let swept = home.crash().await;
        assert_eq!((swept.owners, swept.interrupted + swept.quarantined), (1, 1));
        assert_eq!(swept.quarantined, u64::from(crash == 3));
    }
    let view = home.show(id).await;
    assert_eq!((view.state, view.failures, view.crashes), (State::Quarantined, 0, 3));
    assert_eq!(view.reason.as_deref(), Some("it was running in 3 crashes"));
    let owner = home.owner().await;
    assert_eq!(home.claim(owner, "mail", 9).await, []);
    // A human may think otherwise.
    assert_eq!(home.store.retry(id).await.unwrap(), hostkit::store::Changed::Changed);
    assert_eq!(home.claim_one(owner, "mail").await.crashes, 0);
}

async fn what_must_run_at_most_once_is_convicted_by_its_first_crash(home: Home) {
    let id = home.put("pay").await;
    let doomed = home.owner().await;
    home.claim_with(doomed, "pay", 1, |wanted| wanted.delivery = Delivery::AtMostOnce).await;
    assert_eq!(home.crash().await.quarantined, 1);
    let view = home.show(id).await;
    assert_eq!((view.state, view.reason.as_deref()), (State::Quarantined, Some("it was running in a crash")));
}

crate::on_every_home! {
    jobs_go_by_priority_then_due_time_then_age
    a_claim_takes_what_there_is_room_for_and_each_job_once
    only_kinds_that_are_asked_for_are_given
    of_one_key_no_more_run_at_once_than_may
    a_long_line_behind_one_key_holds_up_nobody_else
    a_job_with_priority_overtakes_the_line_behind_its_key
    what_waited_first_behind_its_key_takes_the_place_of_a_cancelled_job
    a_limit_per_key_that_is_raised_or_lifted_holds_nobody_back
    a_rate_is_kept_over_all_owners
    epochs_rise_with_every_claim
    a_suspect_runs_alone_among_its_kind
    suspects_of_two_kinds_do_not_run_beside_each_other
    a_suspect_waits_until_its_owner_has_nothing_else_of_its_kind
    the_third_crash_convicts
    what_must_run_at_most_once_is_convicted_by_its_first_crash
}
