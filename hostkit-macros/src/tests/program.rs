use super::{assert_contains, assert_mistakes, expand, mistakes, tokens};
use crate::expand::{link, main};

fn check(args: &str, expected: &[&str]) {
    let found = mistakes(main::function_like(tokens(args)));
    let right = found.len() == expected.len() && found.iter().zip(expected).all(|(found, part)| found.contains(part));
    assert!(right, "main!({args})\nexpected {expected:#?}\nfound {found:#?}");
}

#[test]
fn the_options_of_main_are_checked() {
    check("", &[]);
    check("link(a, b), flavor = \"multi_thread\", worker_threads = 4, crate = \"hk\"", &[]);
    check("link(self = none)", &[]);
    check("link = a", &["in parentheses"]);
    check("link(a, a)", &["`a` is linked twice"]);
    check("link(a::b)", &["name a crate as in Rust code"]);
    check("flavour = \"x\"", &["did you mean `flavor`?"]);
    check("flavor = \"current-thread\"", &["did you mean `current_thread`?"]);
    check("flavor = 5", &["takes a word in quotes"]);
    check("flavor = \"current_thread\", worker_threads = 2", &["has no worker threads"]);
    check("worker_threads = 0", &["at least 1"]);
    check("worker_threads, worker_threads = 1", &["needs a value", "is given twice"]);
}

#[test]
fn the_users_main_takes_the_host_or_nothing() {
    let check = |item: &str, expected: &[&str]| assert_mistakes("program", "", item, expected);
    check("fn main() {}", &[]);
    check("async fn main(host: &mut HostBuilder) -> Result<(), E> {}", &[]);
    check("fn start() {}", &["goes on `fn main`"]);
    check("fn main(host: HostBuilder) {}", &["the host that is being built"]);
    check("fn main(host: &mut HostBuilder, a: u8) {}", &["and nothing else"]);
    check("fn main<T>() -> u8 {}", &["cannot be generic", "`main` returns"]);
    check("struct S;", &["and this is a struct"]);
}

#[test]
fn main_calls_the_users_main_and_has_a_test() {
    let expansion = expand("program", "worker_threads = 2", "async fn main(host: &mut HostBuilder) { body }");
    assert_contains(
        &expansion,
        &[
            "async fn hostkit_main(host: &mut HostBuilder) { body }",
            "fn main() -> ::hostkit::__private::ExitCode",
            "__hk::Setup::asynchronous(|host| __hk::Box::pin(super::hostkit_main(host)))",
            "worker_threads: __hk::Some(2)",
            "#[cfg(test)] #[::core::prelude::v1::test] fn the_wiring_is_whole()",
        ],
    );
    assert_contains(
        &main::function_like(tokens("crate = \"hk\"")),
        &["fn main() -> hk::__private::ExitCode", "use hk::__private as __hk;", "__hk::Setup::none()"],
    );
}

#[test]
fn linked_crates_are_named_and_registered() {
    let expansion = link::expand(tokens("crate_a, self = own"));
    assert_contains(&expansion, &["extern crate own as _;", "__hk::linked!(\"crate_a\");"]);
    assert_eq!(mistakes(link::expand(tokens(""))), ["which crates? `hostkit::link!(crate_a, crate_b)`"]);
    assert_eq!(mistakes(link::expand(tokens("a::b"))).len(), 1);
}
