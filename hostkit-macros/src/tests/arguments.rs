use super::{assert_mistakes, expand, mistakes};

/// On a function that is right, with this in the brackets.
fn check(attribute: &str, args: &str, expected: &[&str]) {
    let item = if attribute == "queued" { "async fn work(id: i64) {}" } else { "async fn work() {}" };
    assert_mistakes(attribute, args, item, expected);
}

#[test]
fn every_option_of_the_table_is_taken() {
    check(
        "background_service",
        r#"on_failure = "restart", on_complete = "keep-running", backoff = "1s..1m", max_restarts = 0, within = "10m", start_timeout = "5s",
           stop_timeout = "0s", instances = 3, scope = "whole-run", after = [a, b::c], name = "other-name", enabled = false, handle = Work, crate = "hk""#,
        &[],
    );
    check(
        "periodic",
        r#"every = "1h 30m", tz = "Europe/Berlin", run_at_start = true, jitter = "5s", missed = "all", overlap = "cancel-previous", timeout = "1s",
           on_failure = "stop-host", after = [], stop_timeout = "1s""#,
        &[],
    );
    check("periodic", r#"cron = "0 3 * * *""#, &[]);
    check(
        "queued",
        r#"capacity = 1_000, concurrency = 16, full = "drop-oldest", timeout = "1s", attempts = 3, backoff = "1s", on_failure = "continue", drain = false,
           leftover = keep::them, stop_timeout = "1s", after = [a],"#,
        &[],
    );
    check("on_start", r#"after = [a], timeout = "1s""#, &[]);
}

#[test]
fn an_unknown_option_says_what_was_meant_and_what_there_is() {
    check("periodic", r#"every = "1h", time_out = "1s""#, &["unknown option `time_out`, did you mean `timeout`?"]);
    check("queued", "workers = 3", &["unknown option `workers` (`#[queued]` takes `capacity`, `concurrency`,"]);
    check("on_start", r#"every = "1h""#, &["`#[on_start]` takes `timeout`, `name`"]);
}

#[test]
fn an_option_is_given_once() {
    check("periodic", r#"every = "1h", timeout = "1s", timeout = "1s""#, &["`timeout` is given twice"]);
}

#[test]
fn a_schedule_is_exactly_one() {
    check("periodic", "", &["has a schedule"]);
    check("periodic", r#"every = "1h", cron = "@daily""#, &["either `every` or `cron`"]);
    check("periodic", r#"every = "sometimes""#, &["`every`: not a duration"]);
}

#[test]
fn literals_are_checked() {
    check("periodic", r#"every = "0s""#, &["longer than zero"]);
    check("periodic", "every = 5", &["`every` takes a duration in quotes: `every = \"30s\"`"]);
    check("periodic", r#"cron = "* *""#, &["five fields"]);
    check("background_service", r#"backoff = "1m..1s""#, &["first delay is longer"]);
    check("background_service", r#"on_failure = "resart""#, &["did you mean `restart`?"]);
    check("background_service", "instances = 0", &["`instances` is at least 1, this is 0"]);
    check("background_service", "max_restarts = -1", &["`max_restarts` is at least 0, this is -1"]);
    check("background_service", r#"instances = "2""#, &["takes a whole number"]);
    check("queued", "capacity = 99999999999999999999", &["takes a whole number"]);
    check("queued", "drain = 1", &["takes `true` or `false`"]);
    check("queued", r#"full = "wiat""#, &["did you mean `wait`?"]);
    check("queued", r#"name = "Work""#, &["`Work` is not a name"]);
    check("queued", "leftover = 5", &["takes the path of a function"]);
    check("on_start", r#"after = "a""#, &["takes the functions that come first"]);
    check("on_start", "handle = a::b", &["takes one identifier"]);
    check("on_start", "crate = hostkit", &["takes the path of hostkit in quotes"]);
    check("on_start", r#"crate = """#, &["this is empty"]);
}

#[test]
fn arguments_are_pairs() {
    check(
        "on_start",
        r#""a", 5, timeout: "1s""#,
        &["written `name = value`", "written `name = value`", "written `name = value`"],
    );
    check("on_start", "timeout", &["`timeout` needs a value: `timeout = \"30s\"`"]);
    check("on_start", "timeout =", &["`timeout` needs a value"]);
    check("on_start", r#"timeout("1s")"#, &["`timeout` needs a value"]);
}

/// Where the feature is off, `durable` is a mistake of its own, and the only one.
const OFF: &str = "durable functions need the feature `sqlite` of hostkit";

/// On a durable function, with this behind `durable`.
fn check_durable(args: &str, expected: &[&str]) {
    let off = (!cfg!(feature = "durable")).then_some(OFF);
    let expected: Vec<&str> = off.into_iter().chain(expected.iter().copied()).collect();
    check("queued", &format!("durable, {args}"), &expected);
}

#[test]
fn every_option_of_durable_functions_is_taken() {
    check_durable("", &[]);
    check_durable(
        r#"capacity = 10, concurrency = 4, timeout = "none", attempts = 1, backoff = "1s..1m", on_failure = "stop-host", stop_timeout = "1s",
           priority = -128, keep_done = "0s", keep_dead = "90days", unique = "throttle", unique_for = "1m", key = keys::customer, per_key = 1,
           rate = "100/1s", delivery = "at-most-once", name = "work""#,
        &[],
    );
    check_durable(r#"unique = "none", per_key = 2, key = keys::customer::<u8>, priority = 127"#, &[]);
}

#[test]
fn literals_of_durable_functions_are_checked() {
    check_durable(r#"timeout = "never""#, &["or \"none\" for no limit"]);
    check_durable("priority = 128", &["`priority` is at most 127, this is 128"]);
    check_durable("priority = -129", &["`priority` is at least -128, this is -129"]);
    check_durable(r#"rate = "100""#, &["`rate`: not a rate: write a count and a time, for example \"100/1s\""]);
    check_durable(r#"rate = "many/1s""#, &["`rate`: `many` is not a count"]);
    check_durable(r#"rate = "0/1s""#, &["never lets anything start"]);
    check_durable(
        r#"rate = "5/s""#,
        &["`rate`: `s` is not a time: write a number and a unit behind the `/`, for example \"5/1s\""],
    );
    check_durable(r#"unique = "while-waiting""#, &["`unique`: unknown value \"while-waiting\" (one of \"none\","]);
    check_durable(r#"unique = "throttel", unique_for = "1m""#, &["did you mean `throttle`?"]);
    check_durable("per_key = 0", &["`per_key` is at least 1"]);
    check_durable(r#"unique = "debounce", unique_for = "1m", key = "id""#, &["`key` takes the path of a function"]);
}

#[test]
fn options_that_need_each_other_are_there_together() {
    check_durable(r#"unique = "throttle""#, &["add `unique_for = \"1m\"`"]);
    check_durable(r#"unique = "while-active", unique_for = "1m""#, &["`unique_for` goes with"]);
    check_durable(r#"unique_for = "1m""#, &["`unique_for` goes with"]);
    check_durable("key = customer", &["`key` goes with `unique` or `per_key`"]);
    check_durable(r#"unique = "none", key = customer"#, &[]);
}

#[test]
fn a_durable_function_takes_no_option_of_queues_in_the_process() {
    check_durable(
        r#"full = "wait", drain = true, leftover = keep"#,
        &[
            "a durable function takes no `full`",
            "a durable function takes no `drain`",
            "a durable function takes no `leftover`",
        ],
    );
}

#[test]
fn only_a_durable_function_takes_options_of_durable_functions() {
    check(
        "queued",
        r#"priority = 1, rate = "5/1s""#,
        &["`priority` is an option of durable functions", "`rate` is an option of durable functions"],
    );
}

#[test]
fn a_schedule_may_be_durable() {
    let check_schedule = |args: &str, expected: &[&str]| {
        let off = (!cfg!(feature = "durable")).then_some(OFF);
        let expected: Vec<&str> = off.into_iter().chain(expected.iter().copied()).collect();
        check("periodic", &format!(r#"every = "1h", durable, {args}"#), &expected);
    };
    check_schedule(r#"attempts = 3, backoff = "1s..1m", keep_done = "1h", keep_dead = "1h", timeout = "none""#, &[]);
    check_schedule("run_at_start = true", &["a durable function takes no `run_at_start`"]);
    check_schedule(r#"overlap = "cancel-previous""#, &["cannot cancel its former run"]);
    check("periodic", r#"every = "1h", attempts = 3"#, &["`attempts` is an option of durable functions"]);
}

#[test]
fn durable_stands_alone() {
    check("queued", "durable = true, priority = 1", &["`durable` stands alone, without a value"]);
    check("queued", "durable(sqlite)", &["`durable` stands alone, without a value"]);
    check("queued", "durabel, priority = 1", &["unknown option `durabel`, did you mean `durable`?"]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let found = mistakes(expand(
        "periodic",
        r#"every = "x", timeout = 5, evry = "1s", run_at_start = 1"#,
        "fn work(id: (u8, u8), x: &'static Clock) -> u8 { 1 }",
    ));
    assert_eq!(found.len(), 8, "{found:#?}");
}
