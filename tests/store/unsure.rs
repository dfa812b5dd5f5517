//! What nobody knows: a finish or a claim that was not answered, and how it is cleared up.

use std::collections::BTreeSet;
use std::process::Command;

use hostkit::store::{Applied, Claim, Finish, State, Verdict, open};

use crate::faults::{has_strace, injected_into};
use crate::home::{Directory, Home};

const PROGRAM: &str = env!("CARGO_BIN_EXE_store_unsure");

fn claim(line: &str) -> Claim {
    let words: Vec<_> = line.split(' ').collect();
    Claim { id: words[1].parse().unwrap(), epoch: words[2].parse().unwrap() }
}

/// Finishes until the disk fails, and then again: what that answered.
async fn finished_again(fault: &str) -> Applied {
    let directory = Directory::new();
    open(&directory.url()).await.unwrap().close().await.unwrap();
    let said = injected_into(PROGRAM, "finish", &directory, fault);
    let lines: Vec<_> = said.lines().collect();
    let [before @ .., unsure, first, again, health] = &lines[..] else { panic!("{fault}: {said}") };
    assert!(
        first.starts_with("first: unknown, fatal: cannot tell whether it could finish jobs: the disk failed"),
        "{said}"
    );
    assert!(again.starts_with("again: not done, fatal: cannot finish jobs: it answers no more"), "{said}");
    assert!(health.starts_with("health: not done, fatal: cannot take or give jobs: the disk failed"), "{said}");
    // Somebody starts again, and says once more what nobody had heard.
    let store = open(&directory.url()).await.unwrap();
    let finish = |claim| store.finish(vec![Finish { claim, verdict: Verdict::Done }]);
    let unsure = claim(unsure);
    let answer = finish(unsure).await.unwrap()[0];
    assert_eq!(finish(unsure).await.unwrap(), [Applied::Stale], "{fault}");
    for claim in before.iter().map(|line| claim(line)).chain([unsure]) {
        let job = store.show(claim.id).await.unwrap().unwrap();
        assert_eq!((job.state, job.epoch), (State::Done, claim.epoch), "{fault}: {job:?}");
    }
    assert_eq!(store.counts().await.unwrap()[0].of(State::Done), before.len() as u64 + 1, "{fault}");
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "{fault}");
    answer
}

#[tokio::test]
async fn a_finish_that_nobody_knows_of_has_one_outcome_when_it_is_repeated() {
    if !has_strace() {
        return;
    }
    let mut answers = BTreeSet::new();
    for (call, counts) in [("fdatasync,fsync", 12..15), ("pwrite64", 110..117)] {
        for count in counts {
            let answer = finished_again(&format!("inject={call}:error=EIO:when={count}+")).await;
            println!("{call} from the {count}th on: {answer:?}");
            answers.insert(format!("{answer:?}"));
        }
    }
    // One had been written before it failed, and another had not.
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), ["Applied", "Stale"]);
}

/// What a program says whose store panics when it has come to this point so often.
fn panicked_at(point: &str) -> String {
    let directory = Directory::new();
    let mut program = Command::new(PROGRAM);
    let output = program.arg("claim").arg(&directory.0).env("HOSTKIT_PANIC_AT", point).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.contains("a test wants a panic"), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The first commit registers an owner, the second enqueues, and the third is the claim.
#[test]
fn a_store_that_panicked_says_so_and_a_claim_that_nobody_knows_of_is_given_back() {
    let why = "its thread panicked, which is a fault of hostkit's; it takes nothing more, so stop and start again";
    for (point, known, running) in [
        ("commit.done:3", "unknown, fatal: cannot tell whether it could claim jobs", 40),
        ("commit.applied:3", "not done, fatal: cannot claim jobs", 0),
    ] {
        let expected = format!(
            "health before: fine\nclaim: {known}: {why}\ntold: true\nhealth: not done, fatal: cannot take or give jobs: {why}\n\
             beat: not done, fatal: cannot beat: {why}\nenqueue: not done, fatal: cannot enqueue: {why}\n\
             health of the other: fine\nrunning: {running}\ngiven back: {running}\nrunning: 0\nclaimed: 40\nfaults: []\n\
             health when closed: not done, not fatal: cannot take or give jobs: the store is closed\n"
        );
        assert_eq!(panicked_at(point), expected, "{point}");
    }
}

on_every_home! { a_store_is_in_good_health_until_it_is_closed }

async fn a_store_is_in_good_health_until_it_is_closed(home: Home) {
    home.store.health().unwrap();
    home.put("mail").await;
    home.store.health().unwrap();
    home.store.close().await.unwrap();
    let error = home.store.health().unwrap_err();
    assert!(error.is_closed() && !error.is_unknown(), "{error:?}");
}
