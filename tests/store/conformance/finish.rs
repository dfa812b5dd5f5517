//! What becomes of jobs.

use std::time::Duration;

use hostkit::store::{Applied, Changed, Claim, Finish, JobId, State, Verdict};

use crate::home::Home;

const HOUR: Duration = Duration::from_hours(1);

async fn each_verdict_leads_to_its_state(home: Home) {
    let text = || "because".to_owned();
    let owner = home.owner().await;
    for (verdict, state, failures, reason) in [
        (Verdict::Done, State::Done, 0, None),
        (Verdict::Retry { after: HOUR, error: text() }, State::Waiting, 1, Some("because")),
        (Verdict::Dead { error: text() }, State::Dead, 1, Some("because")),
        (Verdict::Undecodable { error: text() }, State::Dead, 0, Some("because")),
        (Verdict::Snoozed { after: HOUR }, State::Waiting, 0, None),
        (Verdict::Released, State::Waiting, 0, None),
        (Verdict::Cancelled { reason: text() }, State::Cancelled, 0, Some("because")),
    ] {
        let kind = format!("{verdict:?}");
        let id = home.put(&kind).await;
        let claimed = home.claim_one(owner, &kind).await;
        assert_eq!(home.state(id).await, State::Running);
        home.clock.advance(Duration::from_secs(1));
        assert_eq!(home.finish(claimed.claim, verdict).await, Applied::Applied);
        let view = home.show(id).await;
        assert_eq!((view.state, view.failures, view.reason.as_deref()), (state, failures, reason), "{kind}");
        assert_eq!(view.ended_at, state.is_outcome().then(|| home.clock.now()), "{kind}");
        assert_eq!(home.count(&kind, state).await, 1, "{kind}");
    }
    home.is_sound().await;
}

async fn a_retry_spends_an_attempt_and_comes_when_it_said(home: Home) {
    home.put("mail").await;
    let owner = home.owner().await;
    for attempt in 1..=3 {
        let claimed = home.claim_one(owner, "mail").await;
        assert_eq!(claimed.attempt, attempt);
        home.finish(claimed.claim, Verdict::Retry { after: HOUR, error: "no".to_owned() }).await;
        let (none, next) = home.claim_with(owner, "mail", 1, |_| {}).await;
        assert_eq!((none.len(), next), (0, Some(HOUR)));
        home.clock.advance(HOUR);
    }
}

async fn what_was_released_waits_as_before(home: Home) {
    let first = home.put("mail").await;
    home.put("mail").await;
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "mail").await;
    home.clock.advance(HOUR);
    home.store.beat(owner).await.unwrap();
    home.finish(claimed.claim, Verdict::Released).await;
    let again = home.claim_one(owner, "mail").await;
    assert_eq!((again.claim.id, again.due, again.attempt), (first, claimed.due, 1));
}

async fn a_stale_claim_changes_nothing(home: Home) {
    let id = home.put("mail").await;
    let owner = home.owner().await;
    let old = home.claim_one(owner, "mail").await;
    home.finish(old.claim, Verdict::Released).await;
    assert_eq!(home.finish(old.claim, Verdict::Done).await, Applied::Stale);
    let new = home.claim_one(owner, "mail").await;
    assert_eq!(home.finish(old.claim, Verdict::Done).await, Applied::Stale);
    assert_eq!(home.state(id).await, State::Running);
    let future = Claim { epoch: new.claim.epoch + 1, ..new.claim };
    assert_eq!(home.finish(future, Verdict::Done).await, Applied::Stale);
    let unknown = Claim { id: JobId::new(), epoch: 1 };
    assert_eq!(home.finish(unknown, Verdict::Done).await, Applied::Stale);
    home.done(&new).await;
    assert_eq!(home.finish(new.claim, Verdict::Done).await, Applied::Stale);
    assert_eq!(home.count("mail", State::Done).await, 1);
}

async fn a_batch_is_answered_one_by_one(home: Home) {
    let owner = home.owner().await;
    for _ in 0..3 {
        home.put("mail").await;
    }
    let jobs = home.claim(owner, "mail", 3).await;
    home.done(&jobs[1]).await;
    let finish = |claim| Finish { claim, verdict: Verdict::Done };
    let all = jobs.iter().map(|job| finish(job.claim)).chain([finish(jobs[0].claim)]).collect();
    let expected = [Applied::Applied, Applied::Stale, Applied::Applied, Applied::Stale];
    assert_eq!(home.store.finish(all).await.unwrap(), expected);
    // The first word about a job counts, whatever the second is.
    let id = home.put("mail").await;
    let claim = home.claim_one(owner, "mail").await.claim;
    let retry = Finish { claim, verdict: Verdict::Retry { after: HOUR, error: "no".to_owned() } };
    let answers = home.store.finish(vec![finish(claim), retry]).await.unwrap();
    assert_eq!((answers, home.state(id).await), (vec![Applied::Applied, Applied::Stale], State::Done));
}

async fn a_wish_to_cancel_wins_over_whatever_would_bring_the_job_back(home: Home) {
    let owner = home.owner().await;
    for verdict in
        [Verdict::Retry { after: HOUR, error: "no".to_owned() }, Verdict::Snoozed { after: HOUR }, Verdict::Released]
    {
        let id = home.put("mail").await;
        let claimed = home.claim_one(owner, "mail").await;
        assert_eq!(home.store.cancel(id, "not wanted").await.unwrap(), Changed::Requested);
        assert!(home.show(id).await.is_cancel_requested);
        home.finish(claimed.claim, verdict).await;
        let view = home.show(id).await;
        assert_eq!((view.state, view.reason.as_deref()), (State::Cancelled, Some("not wanted")));
        assert!(!view.is_cancel_requested);
    }
    let id = home.put("mail").await;
    let claimed = home.claim_one(owner, "mail").await;
    home.store.cancel(id, "not wanted").await.unwrap();
    home.done(&claimed).await;
    assert_eq!(home.state(id).await, State::Done);
    home.is_sound().await;
}

crate::on_every_home! {
    each_verdict_leads_to_its_state
    a_retry_spends_an_attempt_and_comes_when_it_said
    what_was_released_waits_as_before
    a_stale_claim_changes_nothing
    a_batch_is_answered_one_by_one
    a_wish_to_cancel_wins_over_whatever_would_bring_the_job_back
}
