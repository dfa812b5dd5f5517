//! What people do to durable jobs by the generated program's commands, beside the processes that run the jobs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hostkit::store::{
    Beat, Claim, ClaimRequest, Claimed, ClaimedJob, Delivery, Due, Finish, JobId, NewJob, OwnerId, State, Store,
    StoreClock, StoreUrl, Unique, UniqueMode, Verdict, Wanted, Worker, open, open_with_clock,
};
use serde_json::Value;

use crate::child::{Ended, Program};
use crate::support::directory;

const KEEPER: &str = env!("CARGO_BIN_EXE_keeper");

/// An id that no job has.
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A directory in which the program finds its store.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        Self(directory(&format!("store-{test}")))
    }

    fn file(&self) -> PathBuf {
        self.0.join("hostkit.db")
    }

    /// The store as a program that runs jobs has it.
    async fn open(&self) -> Arc<dyn Store> {
        let url = format!("sqlite://{}?synchronous=normal", self.file().display());
        open(&StoreUrl::parse(&url).unwrap()).await.unwrap()
    }

    fn keeper<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        Program::new(KEEPER, &self.0).arguments(arguments)
    }

    fn run(&self, arguments: &str) -> Ended {
        self.keeper(arguments.split_whitespace()).run()
    }

    /// Runs a command that succeeds and says nothing on standard error; what it printed.
    #[track_caller]
    fn prints(&self, arguments: &str) -> String {
        let ended = self.run(arguments).with_code(0);
        assert_eq!(ended.stderr, "", "{arguments}");
        ended.stdout
    }

    #[track_caller]
    fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.prints(&format!("{arguments} --json"))).unwrap()
    }

    /// Runs a command that fails with this code; what it reported.
    #[track_caller]
    fn reports(&self, arguments: &str, code: i32) -> String {
        self.run(arguments).with_code(code).report().to_owned()
    }
}

async fn put(store: &Arc<dyn Store>, kind: &str, change: impl FnOnce(&mut NewJob)) -> JobId {
    let mut job = NewJob::new(kind, *br#"{"to":"whom it may concern"}"#);
    change(&mut job);
    let id = job.id;
    store.enqueue(vec![job]).await.unwrap();
    id
}

async fn register(store: &Arc<dyn Store>, lease: Duration) -> OwnerId {
    store.register(Worker { name: "a test".to_owned(), lease }).await.unwrap()
}

async fn claim(store: &Arc<dyn Store>, owner: OwnerId, wanted: Wanted) -> Vec<ClaimedJob> {
    match store.claim(ClaimRequest { owner, kinds: vec![wanted] }).await.unwrap() {
        Claimed::Jobs { jobs, .. } => jobs,
        Claimed::Lost => panic!("the owner is alive"),
    }
}

/// A job with this outcome.
async fn ended(store: &Arc<dyn Store>, owner: OwnerId, kind: &str, verdict: Verdict) -> JobId {
    // Before what waits from an earlier time.
    let id = put(store, kind, |job| job.priority = 9).await;
    let claimed = claim(store, owner, Wanted::new(kind, 1)).await;
    assert_eq!(claimed[0].claim.id, id);
    store.finish(vec![Finish { claim: claimed[0].claim, verdict }]).await.unwrap();
    id
}

async fn dead(store: &Arc<dyn Store>, owner: OwnerId, kind: &str) -> JobId {
    ended(store, owner, kind, Verdict::Dead { error: "no such address\n  at all".to_owned() }).await
}

/// A job that is convicted of a crash.
async fn quarantined(store: &Arc<dyn Store>, kind: &str) -> JobId {
    let id = put(store, kind, |job| job.priority = 9).await;
    let owner = register(store, Duration::from_millis(1)).await;
    let mut wanted = Wanted::new(kind, 1);
    wanted.delivery = Delivery::AtMostOnce;
    claim(store, owner, wanted).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(store.sweep().await.unwrap().quarantined, 1);
    id
}

/// A job of kind `mail` in each state, and what runs the one that runs.
struct Mail {
    store: Arc<dyn Store>,
    owner: OwnerId,
    running: Claim,
    jobs: Vec<(State, JobId)>,
}

impl Mail {
    async fn of_every_state(place: &Place) -> Self {
        let store = place.open().await;
        let owner = register(&store, Duration::from_hours(1)).await;
        let mut jobs = vec![
            (State::Done, ended(&store, owner, "mail", Verdict::Done).await),
            (State::Dead, dead(&store, owner, "mail").await),
            (State::Quarantined, quarantined(&store, "mail").await),
        ];
        let cancelled = Verdict::Cancelled { reason: "nobody wants it".to_owned() };
        jobs.push((State::Cancelled, ended(&store, owner, "mail", cancelled).await));
        jobs.push((State::Running, put(&store, "mail", |_| {}).await));
        let running = claim(&store, owner, Wanted::new("mail", 1)).await[0].claim;
        let later = |job: &mut NewJob| job.due = Due::After(Duration::from_hours(49));
        jobs.push((State::Waiting, put(&store, "mail", later).await));
        Self { store, owner, running, jobs }
    }

    fn id(&self, state: State) -> JobId {
        self.jobs.iter().find(|(of, _)| *of == state).unwrap().1
    }

    async fn state(&self, id: JobId) -> State {
        self.store.show(id).await.unwrap().unwrap().state
    }
}

fn ids(listing: &Value) -> Vec<String> {
    listing["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn jobs_are_listed_with_what_matters_of_each() {
    let place = Place::new("listed");
    let mail = Mail::of_every_state(&place).await;
    let table = place.prints("jobs list");
    let lines: Vec<_> = table.lines().collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0]), ["ID", "KIND", "STATE", "FAILURES", "WHEN", "REASON"]);
    assert_eq!(lines.len(), 7, "{table}");
    for (line, (state, id)) in lines[1..].iter().zip(mail.jobs.iter().rev()) {
        let words = words(line);
        assert_eq!(words[..3], [id.to_string(), "mail".to_owned(), state.to_string()], "{table}");
        let (when, tail) = match state {
            State::Waiting => ("due", "(in 2d"),
            State::Running => ("since", "ago)"),
            _ => ("ended", "ago)"),
        };
        assert_eq!(words[4], when, "{table}");
        assert!(words[5].ends_with('Z') && words[5].starts_with("20"), "{table}");
        assert!(line.contains(tail) || line.contains("(now)"), "{line}");
    }
    assert!(table.contains("  1         ended "), "one failure: {table}");
    assert!(table.contains("no such address at all\n"), "on one line: {table}");
    assert!(!table.contains("concern"), "{table}");
    let columns: Vec<_> = lines.iter().map(|line| line.find("mail").or(line.find("KIND"))).collect();
    assert!(columns.iter().all(|column| *column == columns[0]), "aligned: {table}");
}

#[tokio::test]
async fn lists_are_of_a_kind_a_state_and_a_length() {
    let place = Place::new("filtered");
    let mail = Mail::of_every_state(&place).await;
    let report = put(&mail.store, "report", |_| {}).await;
    let all: Vec<_> = mail.jobs.iter().map(|(_, id)| *id).chain([report]).rev().map(|id| id.to_string()).collect();
    assert_eq!(ids(&place.json("jobs list")), all);
    assert_eq!(ids(&place.json("jobs list --kind report")), [report.to_string()]);
    for (state, id) in &mail.jobs {
        assert_eq!(ids(&place.json(&format!("jobs list --kind mail --state {state}"))), [id.to_string()]);
    }
    let two = place.run("jobs list --limit 2").with_code(0);
    assert_eq!(two.stdout.lines().count(), 3);
    assert!(two.report().starts_with("hostkit: there are more than these 2; --limit shows more"), "{two:#?}");
    assert_eq!(place.json("jobs list --limit 2")["has_more"], true);
    assert_eq!(ids(&place.json("jobs list --limit 2")), all[..2]);
    assert_eq!(place.json("jobs list --limit 7")["has_more"], false);
    let letters = [State::Quarantined, State::Dead].map(|state| mail.id(state).to_string());
    assert_eq!(ids(&place.json("dead list --kind mail")), letters);
    assert_eq!(ids(&place.json("dead list --limit 1")), letters[..1]);
    assert_eq!(place.json("dead list --limit 1")["has_more"], true);
    assert_eq!(place.prints("dead list").lines().count(), 3);
}

#[tokio::test]
async fn a_list_is_longer_than_a_page_of_the_store() {
    let place = Place::new("long");
    let store = place.open().await;
    let jobs: Vec<_> = (0..450).map(|_| NewJob::new("mail", *b"1")).collect();
    let mut all: Vec<_> = jobs.iter().map(|job| job.id.to_string()).collect();
    all.reverse();
    store.enqueue(jobs).await.unwrap();
    for (limit, has_more) in [(399, true), (400, true), (401, true), (449, true), (450, false), (1000, false)] {
        let listing = place.json(&format!("jobs list --limit {limit}"));
        assert_eq!(ids(&listing), all[..limit.min(450)], "{limit}");
        assert_eq!(listing["has_more"], has_more, "{limit}");
    }
}

#[tokio::test]
async fn where_there_is_nothing_it_is_said() {
    let place = Place::new("nothing");
    place.open().await.close().await.unwrap();
    for (command, said) in [
        ("jobs list", "hostkit: no jobs\n"),
        ("jobs counts", "hostkit: no jobs\n"),
        ("dead list", "hostkit: no dead letters\n"),
        ("jobs list --state dead", "hostkit: no jobs\n"),
        ("jobs list --kind mail", "hostkit: no job is of kind `mail`\nhostkit: no jobs\n"),
    ] {
        let ended = place.run(command).with_code(0);
        assert_eq!((&*ended.stdout, &*ended.stderr), ("", said), "{command}");
    }
    assert_eq!(place.json("jobs list"), serde_json::json!({ "jobs": [], "has_more": false }));
    assert_eq!(place.json("jobs counts"), serde_json::json!({ "kinds": [] }));
    let store = place.open().await;
    put(&store, "mail", |_| {}).await;
    let ended = place.run("dead redrive --all --kind mial").with_code(0);
    assert_eq!(ended.stderr, "hostkit: no job is of kind `mial`; did you mean `mail`?\n");
    assert_eq!(ended.stdout, "0 dead letters redriven\n");
}

#[tokio::test]
async fn counts_are_by_kind_and_state() {
    let place = Place::new("counts");
    let mail = Mail::of_every_state(&place).await;
    put(&mail.store, "a-report", |_| {}).await;
    let table = place.prints("jobs counts");
    let expected = "\
KIND      WAITING  RUNNING  DONE  DEAD  QUARANTINED  CANCELLED
a-report  1        0        0     0     0            0
mail      1        1        1     1     1            1
";
    assert_eq!(table, expected);
    let json = place.json("jobs counts");
    assert_eq!(json["kinds"][0]["kind"], "a-report");
    assert_eq!(json["kinds"][1]["quarantined"], 1);
    let text = place.prints("jobs counts --json");
    assert!(text.contains("\"kind\": \"mail\",\n      \"waiting\": 1,\n      \"running\": 1,"), "{text}");
}

#[tokio::test]
async fn a_job_is_shown_whole_but_for_its_payload() {
    let place = Place::new("shown");
    let mail = Mail::of_every_state(&place).await;
    let id = mail.id(State::Dead);
    let shown = place.prints(&format!("jobs show {id}"));
    for expected in [
        &*format!("id          {id}\n"),
        "kind        mail\n",
        "state       dead\n",
        "reason      no such address\n              at all\n",
        "claims      1\n",
        "failures    1\n",
        "priority    9\n",
        "payload     28 bytes, shown with --payload\n",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!shown.contains("concern"), "{shown}");
    let payload = place.prints(&format!("jobs show --payload {id}"));
    assert!(payload.ends_with("payload     28 bytes\n\n{\"to\":\"whom it may concern\"}\n"), "{payload}");

    let json = place.json(&format!("jobs show {id}"));
    assert_eq!((&json["state"], &json["payload_bytes"]), (&"dead".into(), &28.into()));
    assert_eq!(json["reason"], "no such address\n  at all");
    assert_eq!(json.get("payload"), None);
    let json = place.json(&format!("jobs show --payload {id}"));
    assert_eq!(json["payload"], "{\"to\":\"whom it may concern\"}");
    for key in ["enqueued_at", "due", "claimed_at", "ended_at"] {
        assert!(json[key].as_str().unwrap().ends_with('Z'), "{key}: {json}");
    }
    assert_eq!(place.json(&format!("jobs show {}", mail.id(State::Waiting)))["claimed_at"], Value::Null);
}

#[tokio::test]
async fn what_a_terminal_would_obey_is_not_sent_to_it() {
    let place = Place::new("terminal");
    let store = place.open().await;
    let owner = register(&store, Duration::from_hours(1)).await;
    let text = put(&store, "mail", |job| job.payload = b"\"\x1b[2J\"".to_vec()).await;
    let binary = put(&store, "mail", |job| job.payload = vec![0, 0xff]).await;
    let claimed = claim(&store, owner, Wanted::new("mail", 2)).await;
    let verdict = |_| Verdict::Dead { error: "\x1b]0;gone\x07".to_owned() };
    let finishes = claimed.iter().map(|job| Finish { claim: job.claim, verdict: verdict(job) }).collect();
    store.finish(finishes).await.unwrap();
    for (command, expected) in [
        ("jobs list".to_owned(), "\u{fffd}]0;gone\u{fffd}"),
        (format!("jobs show {text}"), "reason      \u{fffd}]0;gone\u{fffd}\n"),
        (format!("jobs show --payload {text}"), "6 bytes, in hexadecimal\n\n221b5b324a22\n"),
        (format!("jobs show --payload {binary}"), "2 bytes, in hexadecimal\n\n00ff\n"),
    ] {
        let printed = place.prints(&command);
        assert!(printed.contains(expected) && !printed.contains(['\x1b', '\x07']), "{command}: {printed:?}");
    }
    let json = place.json(&format!("jobs show --payload {binary}"));
    assert_eq!((&json["payload"], &json["payload_hex"]), (&Value::Null, &"00ff".into()));
}

#[tokio::test]
async fn a_retried_job_is_due_now_and_one_that_runs_is_left_alone() {
    let place = Place::new("retry");
    let mail = Mail::of_every_state(&place).await;
    for (state, id) in &mail.jobs {
        let ended = place.run(&format!("jobs retry {id}"));
        if *state == State::Running {
            let ended = ended.with_code(1);
            assert_eq!(ended.stderr, format!("hostkit: job {id} is running, and can be retried when it is over\n"));
            assert_eq!(mail.state(*id).await, State::Running);
        } else {
            assert_eq!(ended.with_code(0).stdout, format!("{id} retried\n"));
            let job = mail.store.show(*id).await.unwrap().unwrap();
            assert_eq!((job.state, job.failures, job.crashes), (State::Waiting, 0, 0), "{state}");
        }
    }
    assert_eq!(claim(&mail.store, mail.owner, Wanted::new("mail", 9)).await.len(), 5, "all of them are due");
}

#[tokio::test]
async fn a_job_that_runs_hears_that_it_is_cancelled() {
    let place = Place::new("cancel");
    let mail = Mail::of_every_state(&place).await;
    let id = mail.running.id;
    let cancelled = place.keeper(["jobs", "cancel", &id.to_string(), "--reason", "the shop is closed"]).run();
    assert_eq!(cancelled.with_code(0).stdout, format!("{id} runs and was asked to stop\n"));
    let shown = place.prints(&format!("jobs show {id}"));
    assert!(shown.contains("state       running, asked to stop\nreason      the shop is closed\n"), "{shown}");
    assert!(place.prints("jobs list").contains("to stop, runs since "));
    assert_eq!(mail.store.beat(mail.owner).await.unwrap(), Beat::Alive { cancelled: vec![mail.running] });
    let stopped = Finish { claim: mail.running, verdict: Verdict::Released };
    mail.store.finish(vec![stopped]).await.unwrap();
    assert_eq!(mail.state(id).await, State::Cancelled);
}

#[tokio::test]
async fn what_cannot_be_done_to_a_job_is_said_of_each() {
    let place = Place::new("refused");
    let mail = Mail::of_every_state(&place).await;
    let id = |state| mail.id(state);
    let done = id(State::Done);
    for (command, of, report) in [
        ("jobs cancel", done, "is done, and nothing is left to be cancelled"),
        ("jobs cancel", id(State::Cancelled), "is cancelled, and nothing is left to be cancelled"),
        ("jobs discard", id(State::Running), "is running, and is not disturbed; `jobs cancel` asks it to stop"),
        ("jobs discard", done, "is done, and nothing is left to be cancelled"),
        ("dead redrive", done, "is done, and no dead letter; `jobs retry` runs it again"),
        ("dead redrive", id(State::Waiting), "is waiting, and no dead letter"),
        ("dead purge", id(State::Running), "is running, and no dead letter"),
        ("dead purge", done, "is done, and no dead letter"),
    ] {
        assert_eq!(place.reports(&format!("{command} {of}"), 1), format!("hostkit: job {of} {report}\n"), "{command}");
    }
    for command in ["jobs show", "jobs retry", "jobs cancel", "jobs discard", "dead redrive", "dead purge"] {
        let report = place.reports(&format!("{command} {NOBODY}"), 1);
        assert_eq!(report, format!("hostkit: there is no job {NOBODY}\n"), "{command}");
        let ended = place.run(&format!("{command} 0189")).with_code(2);
        assert!(ended.stderr.contains("`0189` is no job id; one looks like 01890a5d-"), "{command}: {ended:#?}");
    }
    for (state, id) in &mail.jobs {
        assert_eq!(mail.state(*id).await, *state, "nothing was changed");
    }
    // The others are done all the same, and each once.
    let waiting = id(State::Waiting);
    let ended = place.run(&format!("jobs cancel {done} {waiting} {NOBODY} {waiting}")).with_code(1);
    assert_eq!(ended.stdout, format!("{waiting} cancelled\n"));
    let refusals = format!(
        "hostkit: 2 jobs were left as they are:\n  job {done} is done, and nothing is left to be cancelled\n  \
         there is no job {NOBODY}\n"
    );
    assert_eq!(ended.stderr, refusals);
}

#[tokio::test]
async fn discarded_letters_are_no_letters_any_more() {
    let place = Place::new("discard");
    let mail = Mail::of_every_state(&place).await;
    for state in [State::Dead, State::Quarantined, State::Waiting] {
        let id = mail.id(state);
        assert_eq!(place.prints(&format!("jobs discard {id}")), format!("{id} discarded\n"));
        let job = mail.store.show(id).await.unwrap().unwrap();
        assert_eq!((job.state, job.reason.as_deref()), (State::Cancelled, Some("discarded by hand")));
    }
    assert_eq!(place.prints("dead redrive --all"), "0 dead letters redriven\n");
}

#[tokio::test]
async fn dead_letters_are_redriven_and_purged() {
    let place = Place::new("letters");
    let mail = Mail::of_every_state(&place).await;
    let mut letters = Vec::new();
    for kind in ["mail", "mail", "report", "report", "report"] {
        letters.push(dead(&mail.store, mail.owner, kind).await);
    }
    let [one, two, three, ..] = letters[..] else { panic!("there are five") };
    assert_eq!(place.prints(&format!("dead redrive {one} {three}")), "2 dead letters redriven\n");
    assert_eq!((mail.state(one).await, mail.state(three).await), (State::Waiting, State::Waiting));
    assert_eq!(place.prints(&format!("dead purge {two}")), "1 dead letter purged\n");
    assert_eq!(mail.store.show(two).await.unwrap(), None);
    assert_eq!(place.prints("dead redrive --all --kind report"), "2 dead letters redriven\n");
    // The one that is dead and the one that is quarantined.
    assert_eq!(place.prints("dead purge --all"), "2 dead letters purged\n");
    assert_eq!(ids(&place.json("dead list")), Vec::<String>::new());
    for state in [State::Done, State::Cancelled, State::Running, State::Waiting] {
        assert_eq!(mail.state(mail.id(state)).await, state, "only letters were purged");
    }
    assert_eq!(place.prints("store check"), "ok: 8 jobs, no faults\n");
    for command in ["dead redrive", "dead purge", "dead purge --kind mail"] {
        assert!(place.run(command).with_code(2).stderr.contains("--all"), "{command}");
    }
}

#[tokio::test]
async fn a_letter_whose_unique_key_is_taken_stays_one() {
    let place = Place::new("unique");
    let store = place.open().await;
    let owner = register(&store, Duration::from_hours(1)).await;
    let unique = |job: &mut NewJob| job.unique = Some(Unique { key: "one".to_owned(), mode: UniqueMode::WhileActive });
    let letter = put(&store, "mail", unique).await;
    let claimed = claim(&store, owner, Wanted::new("mail", 1)).await[0].claim;
    store.finish(vec![Finish { claim: claimed, verdict: Verdict::Dead { error: String::new() } }]).await.unwrap();
    let holder = put(&store, "mail", unique).await;
    for command in ["jobs retry", "dead redrive"] {
        let report = place.reports(&format!("{command} {letter}"), 1);
        assert_eq!(report, format!("hostkit: job {letter} needs a unique key that job {holder} has\n"));
    }
    let ended = place.run("dead redrive --all").with_code(0);
    assert_eq!(ended.stdout, "0 dead letters redriven\n");
    assert_eq!(ended.stderr, "hostkit: 1 dead letter stayed: another job has the unique key by now\n");
}

#[tokio::test]
async fn commands_at_the_same_time_do_each_thing_once() {
    let place = Place::new("at-once");
    let store = place.open().await;
    let owner = register(&store, Duration::from_hours(1)).await;
    let jobs = (0..1200).map(|_| NewJob::new("mail", *b"1")).collect();
    store.enqueue(jobs).await.unwrap();
    let claimed = claim(&store, owner, Wanted::new("mail", 1200)).await;
    let finish = |job: &ClaimedJob| Finish { claim: job.claim, verdict: Verdict::Dead { error: String::new() } };
    store.finish(claimed.iter().map(finish).collect()).await.unwrap();
    let commands: Vec<_> = (0..3).map(|_| place.keeper(["dead", "redrive", "--all"]).start()).collect();
    let lists: Vec<_> = (0..2).map(|_| place.keeper(["jobs", "list"]).start()).collect();
    let redriven = |ended: Ended| -> usize {
        let said = ended.with_code(0).stdout;
        said.split(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(commands.into_iter().map(|command| redriven(command.ended())).sum::<usize>(), 1200);
    for list in lists {
        assert_eq!(list.ended().with_code(0).stdout.lines().count(), 51);
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(counts[0].of(State::Waiting), 1200);
    // While the store is open it has no owner but the one that runs jobs.
    assert_eq!(fs::read_dir(place.0.join("hostkit.db-owners")).unwrap().count(), 1);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

#[test]
fn whoever_only_looks_makes_no_store() {
    let place = Place::new("absent");
    for command in [
        "jobs list",
        "jobs counts",
        &format!("jobs show {NOBODY}"),
        &format!("jobs cancel {NOBODY}"),
        "dead list",
        "dead purge --all",
        "store check",
        "store backup copy.db",
    ] {
        let report = place.reports(command, 75);
        let expected = format!(
            "hostkit: there is no store at `{}` yet; the program makes the store when it first needs it, and \
             `store migrate` makes it now\n",
            place.file().display()
        );
        assert_eq!(report, expected, "{command}");
        assert_eq!(fs::read_dir(&place.0).unwrap().count(), 0, "{command}");
    }
    assert_eq!(place.prints("store migrate"), "ok: the store is up to date\n");
    assert_eq!(place.prints("store migrate"), "ok: the store is up to date\n");
    assert_eq!(place.prints("store check"), "ok: 0 jobs, no faults\n");
}

#[tokio::test]
async fn the_store_is_the_one_that_is_configured() {
    let place = Place::new("configured");
    let store = place.open().await;
    put(&store, "mail", |_| {}).await;
    store.close().await.unwrap();
    fs::rename(place.file(), place.0.join("other.db")).unwrap();
    fs::write(place.0.join("hostkit.toml"), "[store]\nurl = 'sqlite://other.db'\n").unwrap();
    assert!(place.prints("jobs counts").contains("mail"));
    let memory = place.reports("jobs list --set store.url=memory://", 78);
    assert!(memory.contains("its jobs are in the memory of the program that runs"), "{memory}");
    for (arguments, expected) in [
        ("jobs list --set store.url=redis://here", "`url` of section [store] names no store: `redis://here`"),
        ("jobs list --set store.ulr=memory://", "did you mean `url`?"),
        ("jobs list --set stroe.url=memory://", "did you mean [store]?"),
        ("store migrate --set store.lease=5h", "`lease` of section [store] is not between 1s and 1h: `5h`"),
        ("jobs list --config missing.toml", "missing.toml"),
    ] {
        let report = place.reports(arguments, 78);
        assert!(report.contains(expected), "{arguments}: {report}");
    }
    let report = place.reports("store migrate --set store.url=sqlite://none/jobs.db", 75);
    assert!(report.contains("the directory of the store, is not there"), "{report}");
    // What the program itself lacks is no reason not to look: `[app] name` is not set.
    assert!(place.reports("check", 78).contains("section [app] has no `name`"));
}

#[tokio::test]
async fn a_backup_is_whole_while_others_write_and_overwrites_nothing() {
    let place = Place::new("backup");
    let store = place.open().await;
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            loop {
                let jobs = (0..20).map(|_| NewJob::new("mail", vec![7; 3000])).collect();
                store.enqueue(jobs).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Not on the thread on which jobs are enqueued.
    let run = |arguments: &'static str| {
        let backup = place.keeper(arguments.split(' '));
        tokio::task::spawn_blocking(move || backup.run())
    };
    let said = run("store backup copies.db").await.unwrap().with_code(0).stdout;
    writing.abort();
    let copy = place.0.join("copies.db");
    assert_eq!(said, format!("ok: copies.db, {} bytes\n", fs::metadata(&copy).unwrap().len()));
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o777, 0o600);
    let checked = place.json("store check --set store.url=sqlite://copies.db");
    assert_eq!(checked["faults"], serde_json::json!([]));
    let jobs = checked["jobs"].as_u64().unwrap();
    assert!(jobs > 0 && jobs.is_multiple_of(20), "each transaction is there whole or not at all: {jobs}");

    let before = fs::read(&copy).unwrap();
    let report = place.reports("store backup copies.db", 1);
    assert!(report.contains("`copies.db` is there already, and a backup overwrites nothing"), "{report}");
    assert_eq!(fs::read(&copy).unwrap(), before);
    let report = place.reports("store backup none/copy.db", 75);
    assert!(report.contains("cannot back up the store"), "{report}");
}

#[tokio::test]
async fn a_backup_is_restored_by_its_name_once_the_log_is_out_of_the_way() {
    let place = Place::new("restore");
    let mail = Mail::of_every_state(&place).await;
    place.run("store backup monday.db").with_code(0);
    for _ in 0..20 {
        put(&mail.store, "mail", |_| {}).await;
    }
    // What a crash leaves.
    fs::create_dir(place.0.join("away")).unwrap();
    for name in ["hostkit.db", "hostkit.db-wal", "hostkit.db-shm"] {
        fs::rename(place.0.join(name), place.0.join("away").join(name)).unwrap();
    }
    fs::copy(place.0.join("monday.db"), place.file()).unwrap();
    assert_eq!(place.prints("store check"), "ok: 6 jobs, no faults\n");
    // Nobody will ever say what became of the job that ran, so somebody else runs it when the lease is over.
    let restored = place.open().await;
    assert_eq!(restored.sweep().await.unwrap().owners, 0, "it has not ended");
    let url = StoreUrl::parse(&format!("sqlite://{}", place.file().display())).unwrap();
    let clock = StoreClock::manual(StoreClock::machine().now().after(Duration::from_hours(1)));
    let later = open_with_clock(&url, clock).await.unwrap();
    assert_eq!(later.sweep().await.unwrap().interrupted, 1);
    assert_eq!(restored.show(mail.running.id).await.unwrap().unwrap().state, State::Waiting);
}

#[tokio::test]
async fn a_check_finds_what_is_wrong_and_says_what_to_do() {
    let place = Place::new("check");
    let store = place.open().await;
    for _ in 0..50 {
        put(&store, "mail", |job| job.payload = vec![7; 9000]).await;
    }
    store.close().await.unwrap();
    assert_eq!(place.json("store check"), serde_json::json!({ "jobs": 50, "faults": [] }));
    let whole = fs::read(place.file()).unwrap();
    let connection = rusqlite::Connection::open(place.file()).unwrap();
    connection.execute("UPDATE hostkit_counts SET jobs = jobs + 1", []).unwrap();
    drop(connection);
    let ended = place.run("store check").with_code(1);
    assert_eq!(ended.stdout, "the counts of jobs are wrong: 1\n");
    assert!(ended.report().starts_with("hostkit: the store has 1 fault: stop what uses it, keep a copy"), "{ended:#?}");
    let json = place.run("store check --json").with_code(1).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json, serde_json::json!({ "jobs": null, "faults": ["the counts of jobs are wrong: 1"] }));

    // Pages in the middle that the disk has forgotten.
    let mut damaged = whole;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 60_000].fill(0);
    fs::write(place.file(), damaged).unwrap();
    let ended = place.run("store check").with_code(1);
    assert!(!ended.stdout.is_empty() && ended.report().contains("restore a backup"), "{ended:#?}");

    // Nothing that can be opened.
    fs::write(place.file(), "Dear Sir or Madam, ".repeat(100)).unwrap();
    let ended = place.run("store check").with_code(1);
    assert!(ended.stdout.contains("the file is damaged") && ended.report().contains("1 fault"), "{ended:#?}");
    let report = place.reports("jobs list", 75);
    assert!(report.contains("the file is damaged"), "{report}");
}

#[tokio::test]
async fn a_store_that_may_only_be_read_is_said_to_be_one() {
    // Rights do not stop root, who then becomes somebody else; that one must be able to reach the program and the store.
    let home = std::env::temp_dir().join(format!("hostkit-keeper-{}", std::process::id()));
    fs::create_dir_all(home.join("data")).unwrap();
    let (place, program) = (Place(home.join("data")), home.join("keeper"));
    fs::copy(KEEPER, &program).unwrap();
    let store = place.open().await;
    put(&store, "mail", |_| {}).await;
    store.close().await.unwrap();
    let allow = |file: u32, directory: u32| {
        fs::set_permissions(place.file(), fs::Permissions::from_mode(file)).unwrap();
        fs::set_permissions(&place.0, fs::Permissions::from_mode(directory)).unwrap();
    };
    allow(0o444, 0o555);
    let is_root = fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0);
    let stranger = |command: &str| {
        let start = if is_root {
            let become_nobody = ["--reuid=65534", "--clear-groups", "--"];
            Program::new("setpriv", &place.0).arguments(become_nobody).arguments([&program])
        } else {
            Program::new(program.to_str().unwrap(), &place.0)
        };
        start.arguments(command.split(' ')).run()
    };
    let ended = [stranger("jobs list"), stranger("dead purge --all")];
    allow(0o600, 0o755);
    fs::remove_dir_all(home).unwrap();
    for ended in ended {
        let ended = ended.with_code(75);
        assert_eq!(ended.stdout, "");
        assert!(ended.report().contains("cannot be written; give the process the right to"), "{ended:#?}");
    }
}
