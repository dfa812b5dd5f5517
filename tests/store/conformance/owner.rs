//! Who lives and who is dead.

use std::time::Duration;

use hostkit::store::{Applied, Beat, ClaimRequest, Claimed, State, Swept, Verdict, Wanted};

use crate::home::{Home, LEASE, ids};

async fn a_beat_keeps_every_job_of_its_owner(home: Home) {
    home.put("mail").await;
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "mail").await;
    for _ in 0..5 {
        home.clock.advance(LEASE - Duration::from_micros(1));
        assert_eq!(home.store.sweep().await.unwrap(), Swept::default());
        assert_eq!(home.store.beat(owner).await.unwrap(), Beat::Alive { cancelled: vec![] });
    }
    home.done(&claimed).await;
}

async fn an_owner_whose_lease_is_over_is_dead_once_somebody_looks(home: Home) {
    let id = home.put("mail").await;
    let owner = home.owner().await;
    let claimed = home.claim_one(owner, "mail").await;
    home.clock.advance(LEASE);
    // Nobody has looked, so it may go on.
    assert_eq!(home.store.beat(owner).await.unwrap(), Beat::Alive { cancelled: vec![] });
    home.clock.advance(LEASE);
    let swept = home.store.sweep().await.unwrap();
    assert_eq!(swept, Swept { owners: 1, interrupted: 1, ..Swept::default() });
    assert_eq!(home.store.beat(owner).await.unwrap(), Beat::Lost);
    let request = ClaimRequest { owner, kinds: vec![Wanted::new("mail", 1)] };
    assert_eq!(home.store.claim(request).await.unwrap(), Claimed::Lost);
    assert_eq!(home.finish(claimed.claim, Verdict::Done).await, Applied::Stale);
    assert_eq!(home.state(id).await, State::Waiting);
    assert_eq!(home.store.sweep().await.unwrap(), Swept::default());
    // The next one is fenced off from the zombie.
    let next = home.owner().await;
    let again = home.claim_one(next, "mail").await;
    assert_eq!((again.claim.id, again.claim.epoch, again.attempt), (id, 2, 1));
    assert_eq!(home.finish(claimed.claim, Verdict::Done).await, Applied::Stale);
    home.done(&again).await;
    home.is_sound().await;
}

async fn a_beat_tells_which_jobs_somebody_wants_cancelled(home: Home) {
    let (first, second) = (home.put("mail").await, home.put("mail").await);
    let (owner, other) = (home.owner().await, home.owner().await);
    let claimed = home.claim_one(owner, "mail").await;
    home.claim_one(other, "mail").await;
    home.store.cancel(first, "no").await.unwrap();
    for _ in 0..2 {
        assert_eq!(home.store.beat(owner).await.unwrap(), Beat::Alive { cancelled: vec![claimed.claim] });
        assert_eq!(home.store.beat(other).await.unwrap(), Beat::Alive { cancelled: vec![] });
    }
    home.finish(claimed.claim, Verdict::Cancelled { reason: "no".to_owned() }).await;
    assert_eq!(home.store.beat(owner).await.unwrap(), Beat::Alive { cancelled: vec![] });
    assert_eq!(home.state(second).await, State::Running);
}

async fn what_a_dead_owner_was_to_cancel_is_cancelled(home: Home) {
    let id = home.put("mail").await;
    let owner = home.owner().await;
    home.claim_one(owner, "mail").await;
    home.store.cancel(id, "no").await.unwrap();
    assert_eq!(home.crash().await, Swept { owners: 1, cancelled: 1, ..Swept::default() });
    assert_eq!(home.state(id).await, State::Cancelled);
}

async fn whoever_leaves_gives_everything_back_and_nothing_counts_as_a_crash(home: Home) {
    let (first, second) = (home.put("mail").await, home.put("mail").await);
    let owner = home.owner().await;
    let claimed = home.claim(owner, "mail", 2).await;
    home.store.cancel(second, "no").await.unwrap();
    home.store.leave(owner).await.unwrap();
    home.store.leave(owner).await.unwrap();
    assert_eq!(home.store.beat(owner).await.unwrap(), Beat::Lost);
    assert_eq!(home.finish(claimed[0].claim, Verdict::Done).await, Applied::Stale);
    assert_eq!(home.state(second).await, State::Cancelled);
    let next = home.owner().await;
    let again = home.claim_one(next, "mail").await;
    assert_eq!((again.claim.id, again.crashes), (first, 0));
}

async fn an_owner_gives_back_what_it_does_not_know_of(home: Home) {
    for _ in 0..3 {
        home.put("mail").await;
    }
    let (owner, other) = (home.owner().await, home.owner().await);
    let known = home.claim_one(owner, "mail").await;
    let unknown = home.claim_one(owner, "mail").await;
    let others = home.claim_one(other, "mail").await;
    assert_eq!(home.store.reconcile(owner, vec![known.claim, others.claim]).await.unwrap(), 1);
    assert_eq!(home.store.reconcile(owner, vec![known.claim]).await.unwrap(), 0);
    let again = home.claim(other, "mail", 9).await;
    assert_eq!((ids(&again), again[0].crashes, again[0].attempt), (vec![unknown.claim.id], 0, 1));
    home.done(&known).await;
    home.done(&others).await;
}

crate::on_every_home! {
    a_beat_keeps_every_job_of_its_owner
    an_owner_whose_lease_is_over_is_dead_once_somebody_looks
    a_beat_tells_which_jobs_somebody_wants_cancelled
    what_a_dead_owner_was_to_cancel_is_cancelled
    whoever_leaves_gives_everything_back_and_nothing_counts_as_a_crash
    an_owner_gives_back_what_it_does_not_know_of
}
