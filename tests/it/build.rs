//! What a host that cannot start says.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hostkit::{All, Ext, Host, HostBuilder, Lazy, Queue, TaskQueue};

use crate::support::{built, directory, refused, without_lines};

/// Checks the whole report, headline included; line numbers of Rust files do not count.
async fn check(builder: &mut HostBuilder, expected: &str) {
    let error = refused(builder).await;
    assert_eq!(error.exit_code(), 78);
    assert_eq!(without_lines(&error.to_string()), expected);
}

pub(crate) trait Store: Send + Sync {}

#[hostkit::background_service]
async fn idle() {
    std::future::pending::<()>().await;
}

mod missing {
    use super::*;

    #[hostkit::background_service]
    async fn reconcile(orders: &dyn Store) {
        let _ = orders;
    }

    #[hostkit::periodic(every = "1h")]
    async fn sweep(orders: Arc<dyn Store>, #[key("eu")] european: &dyn Store) {
        let _ = (orders, european);
    }

    #[hostkit::on_start]
    async fn migrate(pool: Ext<Vec<u8>>) {
        drop(pool);
    }

    #[hostkit::scoped]
    pub(super) struct Inner {
        _lazily: Lazy<dyn Store>,
        #[key("eu")]
        _pool: Ext<String>,
    }

    #[hostkit::scoped]
    pub(super) struct Outer {
        _inner: Arc<Inner>,
    }

    #[hostkit::queued]
    async fn ship(order: u32, outer: &Outer) {
        let _ = (order, outer);
    }

    #[tokio::test]
    async fn a_trait_that_nobody_provides_is_named_with_who_asks_and_what_to_do() {
        check(
            Host::empty().with::<reconcile>(),
            "this host cannot start: 1 problem\n\
             \n \
             1. service `reconcile` needs `dyn Store` (parameter `orders`), and nothing provides it\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: add `as = dyn Store` to a component, or `.provide_as::<dyn Store>(..)` on the host",
        )
        .await;
    }

    #[tokio::test]
    async fn everything_that_is_missing_is_in_one_report() {
        check(
            Host::empty().with::<ship>().with::<sweep>().with::<migrate>().with::<idle>(),
            "this host cannot start: 5 problems\n\
             \n \
             1. component `Inner` needs `dyn Store` (parameter `_lazily`), and nothing provides it\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: add `as = dyn Store` to a component, or `.provide_as::<dyn Store>(..)` on the host\n \
             2. component `Inner` needs `Ext<String>` with key \"eu\" (parameter `_pool`), and nothing provides it\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: write a function that makes it and put `#[hostkit::singleton(key = \"eu\")]` on it\n \
             3. hook `migrate` needs `Ext<Vec<u8>>` (parameter `pool`), and nothing provides it\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: write a function that makes a `Vec<u8>` and put `#[hostkit::singleton]` on it, or add `.provide(..)` on the host\n \
             4. service `sweep` needs `dyn Store` (parameter `orders`), and nothing provides it\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: add `as = dyn Store` to a component, or `.provide_as::<dyn Store>(..)` on the host\n \
             5. service `sweep` needs `dyn Store` with key \"eu\" (parameter `european`), and nothing provides it\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: add `as = dyn Store, key = \"eu\"` to a component",
        )
        .await;
    }

    #[tokio::test]
    async fn a_key_never_falls_back_to_the_provider_without_one() {
        #[derive(Debug)]
        struct Any;
        impl Store for Any {}
        let error = refused(Host::empty().with::<sweep>().provide_as::<dyn Store>(Arc::new(Any))).await;
        let problems: Vec<_> = error.problems().collect();
        assert_eq!(
            problems,
            ["service `sweep` needs `dyn Store` with key \"eu\" (parameter `european`), and nothing provides it"]
        );
    }
}

mod ambiguous {
    use super::*;

    #[hostkit::singleton(as = dyn Store)]
    struct Sqlite {}
    impl Store for Sqlite {}

    #[hostkit::singleton(as = dyn Store)]
    struct Postgres {}
    impl Store for Postgres {}

    #[hostkit::singleton(as = dyn Store, default)]
    struct Memory {}
    impl Store for Memory {}

    #[hostkit::background_service]
    async fn reconcile(orders: &dyn Store) {
        let _ = orders;
    }

    #[hostkit::background_service]
    async fn reconcile_perhaps(orders: Option<Arc<dyn Store>>) {
        drop(orders);
    }

    #[hostkit::background_service]
    async fn reconcile_all(orders: All<dyn Store>) {
        drop(orders);
    }

    #[tokio::test]
    async fn two_providers_of_a_trait_are_listed_with_their_places() {
        for reversed in [false, true] {
            let mut builder = Host::empty();
            if reversed {
                builder.with::<Sqlite>().with::<Postgres>();
            } else {
                builder.with::<Postgres>().with::<Sqlite>();
            }
            check(
                builder.with::<reconcile>().with::<Memory>(),
                "this host cannot start: 1 problem\n\
                 \n \
                 1. service `reconcile` needs `dyn Store` (parameter `orders`), and 2 provide it\n      \
                    declared at tests/it/build.rs:LINE\n      \
                    `Postgres` declared at tests/it/build.rs:LINE\n      \
                    `Sqlite` declared at tests/it/build.rs:LINE\n      \
                    help: give all but one a `key = \"…\"`, mark one that others may replace as `default`, or ask for `All<…>`",
            )
            .await;
        }
    }

    #[tokio::test]
    async fn what_may_be_absent_may_not_be_ambiguous() {
        let error = refused(Host::empty().with::<reconcile_perhaps>().with::<Sqlite>().with::<Postgres>()).await;
        assert_eq!(
            error.problems().collect::<Vec<_>>(),
            ["service `reconcile_perhaps` needs `dyn Store` (parameter `orders`), and 2 provide it"]
        );
    }

    #[tokio::test]
    async fn all_takes_both_and_a_default_gives_way() {
        built(Host::empty().with::<reconcile_all>().with::<Sqlite>().with::<Postgres>()).await;
        built(Host::empty().with::<reconcile>().with::<Memory>().with::<Postgres>()).await;
        built(Host::empty().with::<reconcile>().with::<Memory>()).await;
    }

    #[tokio::test]
    async fn a_value_that_is_provided_twice_is_ambiguous() {
        #[hostkit::background_service]
        async fn reads(number: Ext<u64>) {
            drop(number);
        }
        let error = refused(Host::empty().with::<reads>().provide(1_u64).provide(2_u64)).await;
        assert_eq!(
            error.problems().collect::<Vec<_>>(),
            ["service `reads` needs `u64` (parameter `number`), and 2 provide it"]
        );
    }
}

mod knots {
    use super::*;

    #[hostkit::singleton]
    struct First {
        _second: Arc<dyn Store>,
    }

    #[hostkit::singleton(as = dyn Store)]
    struct Second {
        _first: Arc<First>,
    }
    impl Store for Second {}

    #[hostkit::background_service]
    async fn uses_first(first: &First) {
        let _ = first;
    }

    #[tokio::test]
    async fn a_cycle_through_a_trait_is_shown_whole() {
        let error = refused(Host::empty().with::<uses_first>().with::<Second>()).await;
        let text = without_lines(&error.to_string());
        let expected = |a: &str, b: &str| {
            format!(
                "this host cannot start: 1 problem\n\
                 \n \
                 1. dependency cycle: {a} -> {b} -> {a}\n      \
                    `{a}` declared at tests/it/build.rs:LINE\n      \
                    `{b}` declared at tests/it/build.rs:LINE\n      \
                    help: break it with a `Scopes<T>` in one of them, or move what both need into a third component"
            )
        };
        assert_eq!(text, expected("First", "Second"));
    }

    #[hostkit::scoped(as = dyn Store)]
    struct PerRun {}
    impl Store for PerRun {}

    #[hostkit::transient]
    struct Through {
        _store: Arc<dyn Store>,
    }

    #[hostkit::singleton]
    struct Holds {
        _through: Box<Through>,
    }

    #[hostkit::background_service]
    async fn uses_holds(holds: &Holds, through: &Through, store: &dyn Store) {
        let _ = (holds, through, store);
    }

    #[hostkit::background_service(scope = "whole-run")]
    async fn imports(store: &dyn Store) {
        let _ = store;
    }

    #[tokio::test]
    async fn what_is_scoped_may_not_be_held_for_long_through_a_trait_either() {
        check(
            Host::empty().with::<uses_holds>().with::<PerRun>(),
            "this host cannot start: 1 problem\n\
             \n \
             1. singleton `Holds` lives as long as the host, but its parameter `_through` reaches the scoped `Through` -> `PerRun`\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: take it through `Scopes<T>` and open a scope for each piece of work",
        )
        .await;
    }

    #[hostkit::background_service]
    async fn uses_store(through: &Through, store: &dyn Store, all: All<dyn Store>) {
        let _ = (through, store, all);
    }

    #[tokio::test]
    async fn a_background_service_lives_for_long_unless_it_says_that_it_is_finite() {
        check(
            Host::empty().with::<uses_store>().with::<PerRun>(),
            "this host cannot start: 3 problems\n\
             \n \
             1. service `uses_store` lives as long as the host, but its parameter `through` reaches the scoped `Through` -> `PerRun`\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: take it through `Scopes<T>` and open a scope for each piece of work\n \
             2. service `uses_store` lives as long as the host, but its parameter `store` reaches the scoped `PerRun`\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: take it through `Scopes<T>` and open a scope for each piece of work\n \
             3. service `uses_store` lives as long as the host, but its parameter `all` reaches the scoped `PerRun`\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: take it through `Scopes<T>` and open a scope for each piece of work",
        )
        .await;
        built(Host::empty().with::<imports>().with::<PerRun>()).await;
    }
}

mod names {
    use super::*;

    mod a {
        #[hostkit::background_service]
        pub(super) async fn nightly() {}
    }

    mod b {
        #[hostkit::periodic(every = "1h")]
        pub(super) async fn nightly() {}
    }

    mod c {
        #[hostkit::periodic(every = "1h", name = "daily-report")]
        pub(super) async fn daily() {}
        #[hostkit::periodic(every = "1h")]
        pub(super) async fn daily_report() {}
    }

    #[tokio::test]
    async fn two_services_of_one_name_are_shown_with_both_places() {
        check(
            Host::empty().with::<b::nightly>().with::<a::nightly>(),
            "this host cannot start: 1 problem\n\
             \n \
             1. two services are named `nightly`\n      \
                tests/it/build.rs:LINE (it::build::names::a)\n      \
                tests/it/build.rs:LINE (it::build::names::b)\n      \
                help: give one of them `name = \"..\"`, or call `.rename::<function>(\"..\")` on the host",
        )
        .await;
    }

    #[tokio::test]
    async fn names_that_differ_in_a_hyphen_share_a_section_and_so_are_the_same() {
        let error = refused(Host::empty().with::<c::daily>().with::<c::daily_report>()).await;
        assert_eq!(error.problems().collect::<Vec<_>>(), ["two services are named `daily-report`"]);
    }

    #[tokio::test]
    async fn a_renamed_service_is_no_duplicate_and_one_that_is_named_twice_is_one() {
        let mut builder = Host::empty();
        builder.with::<b::nightly>().with::<a::nightly>().with::<a::nightly>().rename::<b::nightly>("b-nightly");
        let running = built(&mut builder).await.start().await.unwrap();
        let names: Vec<_> = running.status().iter().map(|service| service.name).collect();
        assert_eq!(names, ["b-nightly", "nightly"]);
        running.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_name_that_is_renamed_to_one_that_is_taken_is_a_duplicate() {
        let error = refused(Host::empty().with::<b::nightly>().with::<idle>().rename::<idle>("nightly")).await;
        assert_eq!(error.problems().collect::<Vec<_>>(), ["two services are named `nightly`"]);
    }

    #[tokio::test]
    async fn a_host_without_services_says_why_that_may_be() {
        #[hostkit::singleton]
        struct Lonely {}
        for builder in [&mut Host::empty(), Host::empty().with::<Lonely>()] {
            check(
                builder,
                "this host cannot start: 1 problem\n\
                 \n \
                 1. it has no services: no function with a hostkit attribute is part of this program\n      \
                    help: annotate one, or, if they are in another crate, name that crate in `hostkit::main!(link(that_crate))`: the linker drops what nobody names",
            )
            .await;
        }
    }

    #[tokio::test]
    async fn names_that_nobody_has_are_refused_with_what_was_meant() {
        check(
            Host::empty().with::<a::nightly>().with::<idle>().only(["nihgtly", "idle"]).except(["bananas"]),
            "this host cannot start: 2 problems\n\
             \n \
             1. `only` names `nihgtly`, and no service is called that\n      \
                help: did you mean `nightly`?\n \
             2. `except` names `bananas`, and no service is called that\n      \
                help: `list` shows the services of this program",
        )
        .await;
    }

    #[tokio::test]
    async fn only_and_except_take_names_with_either_hyphen() {
        let running = built(Host::empty().with::<c::daily>().with::<idle>().only(["daily_report"])).await.start().await;
        let running = running.unwrap();
        assert_eq!(running.status().iter().map(|service| service.name).collect::<Vec<_>>(), ["daily-report"]);
        running.stop().await.unwrap();
    }
}

mod orders {
    use super::*;

    #[hostkit::background_service(after = [second])]
    async fn first() {}

    #[hostkit::background_service(after = [third])]
    async fn second() {}

    #[hostkit::background_service(after = [first])]
    async fn third() {}

    #[hostkit::background_service(after = [selfish])]
    async fn selfish() {}

    #[hostkit::on_start(after = [idle])]
    async fn migrate() {}

    #[hostkit::on_start(after = [announce])]
    async fn prepare() {}

    #[hostkit::on_started]
    async fn announce() {}

    #[tokio::test]
    async fn a_cycle_of_after_is_shown_whole() {
        check(
            Host::empty().with::<third>().with::<first>().with::<second>(),
            "this host cannot start: 1 problem\n\
             \n \
             1. `after` forms a cycle: `first` is after `second` is after `third` is after `first`\n      \
                `second` declared at tests/it/build.rs:LINE\n      \
                `third` declared at tests/it/build.rs:LINE\n      \
                `first` declared at tests/it/build.rs:LINE\n      \
                help: remove one of these `after`s",
        )
        .await;
        let error = refused(Host::empty().with::<selfish>()).await;
        assert_eq!(error.problems().collect::<Vec<_>>(), ["`after` forms a cycle: `selfish` is after `selfish`"]);
    }

    #[hostkit::queued(after = [a_worker])]
    async fn a_queue(number: u32) {
        let _ = number;
    }

    #[hostkit::periodic(every = "1h", after = [a_queue])]
    async fn a_schedule() {}

    #[hostkit::background_service(after = [a_schedule])]
    async fn a_worker() {}

    #[hostkit::on_stopping(after = [a_hook])]
    async fn b_hook() {}

    #[hostkit::on_stopping(after = [b_hook])]
    async fn a_hook() {}

    #[hostkit::on_start(after = [b_start])]
    async fn a_start() {}

    #[hostkit::on_start(after = [a_start])]
    async fn b_start() {}

    #[tokio::test]
    async fn a_cycle_across_kinds_of_services_and_one_of_hooks_are_shown_as_well() {
        let mut builder = Host::empty();
        builder.with::<a_queue>().with::<a_schedule>().with::<a_worker>().with::<a_hook>().with::<b_hook>();
        let error = refused(builder.with::<a_start>().with::<b_start>()).await;
        assert_eq!(
            error.problems().collect::<Vec<_>>(),
            [
                "`after` forms a cycle: `a_queue` is after `a_worker` is after `a_schedule` is after `a_queue`",
                "`after` forms a cycle: `a_start` is after `b_start` is after `a_start`",
                "`after` forms a cycle: `a_hook` is after `b_hook` is after `a_hook`",
            ]
        );
    }

    #[tokio::test]
    async fn a_cycle_that_is_broken_by_leaving_one_out_is_none() {
        built(Host::empty().with::<third>().with::<first>()).await;
        built(Host::empty().with::<third>().with::<first>().with::<second>().except(["third"])).await;
    }

    #[tokio::test]
    async fn a_hook_before_every_service_cannot_be_after_one() {
        check(
            Host::empty().with::<migrate>().with::<idle>().with::<prepare>().with::<announce>(),
            "this host cannot start: 2 problems\n\
             \n \
             1. hook `migrate` is after `idle`, which is not an `on_start` hook\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: `on_start` hooks run before every service, so they can only be after each other\n \
             2. hook `prepare` is after `announce`, which is not an `on_start` hook\n      \
                declared at tests/it/build.rs:LINE\n      \
                help: `on_start` hooks run before every service, so they can only be after each other",
        )
        .await;
    }
}

mod queues {
    use super::*;

    #[hostkit::queued]
    async fn handle_order(order: u32) {
        let _ = order;
    }

    #[hostkit::background_service]
    async fn intake(orders: Queue<handle_order>) {
        drop(orders);
    }

    #[hostkit::background_service]
    async fn housekeeping(tasks: TaskQueue) {
        drop(tasks);
    }

    #[tokio::test]
    async fn the_queue_of_a_function_that_is_left_out_is_missed() {
        for builder in [
            Host::empty().with::<intake>(),
            Host::empty().with::<intake>().with::<handle_order>().except(["handle_order"]),
            Host::empty().with::<intake>().with::<handle_order>().only(["intake"]),
            Host::empty().with::<intake>().with::<handle_order>().set("queued.handle_order.enabled", "false"),
        ] {
            check(
                builder,
                "this host cannot start: 1 problem\n\
                 \n \
                 1. service `intake` needs `Queue<handle_order>`, but `handle_order` does not run in this host (parameter `orders`)\n      \
                    declared at tests/it/build.rs:LINE",
            )
            .await;
        }
    }

    #[tokio::test]
    async fn the_task_queue_needs_no_name_to_be_there() {
        built(Host::empty().with::<housekeeping>()).await;
        built(Host::empty().with::<housekeeping>().with::<idle>().only(["housekeeping"])).await;
        let error = refused(Host::empty().with::<housekeeping>().set("task_queue.enabled", "false")).await;
        assert_eq!(
            error.problems().collect::<Vec<_>>(),
            ["service `housekeeping` needs the `TaskQueue`, but it is disabled in this host (parameter `tasks`)"]
        );
    }
}

mod configured {
    use super::*;

    #[hostkit::options("mail", validate = MailOptions::problems)]
    #[derive(Debug, serde::Deserialize)]
    struct MailOptions {
        port: u16,
        retries: u32,
        #[serde(default)]
        sender: String,
    }

    impl MailOptions {
        fn problems(&self) -> Vec<String> {
            let mut problems = Vec::new();
            if self.retries > 10 && self.port > 0 {
                problems.push(format!("{} retries are too many", self.retries));
            }
            if self.sender.is_empty() {
                problems.push("the sender is empty".to_owned());
            }
            problems
        }
    }

    #[hostkit::periodic(every = "1h")]
    async fn cleanup(mail: &MailOptions) {
        let _ = mail;
    }

    #[hostkit::queued(capacity = 10)]
    async fn deliver(letter: u32) {
        let _ = letter;
    }

    #[hostkit::background_service]
    async fn watch() {}

    #[tokio::test]
    async fn every_wrong_value_is_reported_with_its_line() {
        let directory = directory("every_wrong_value");
        let file = directory.join("app.toml");
        fs::write(
            &file,
            "[host]\n\
             stop_timeuot = \"10s\"\n\
             drain_delay = 5\n\
             \n\
             [periodic.cleanup]\n\
             every = \"soon\"\n\
             missed = \"twice\"\n\
             tiemout = \"1s\"\n\
             \n\
             [queued.deliver]\n\
             capacity = 0\n\
             concurrency = \"four\"\n\
             name = \"other\"\n\
             \n\
             [background_service.watch]\n\
             backoff = \"1m..1s\"\n\
             on_failure = \"restrat\"\n\
             \n\
             [mail]\n\
             port = 70000\n\
             retries = 3\n",
        )
        .unwrap();
        let error = refused(Host::empty().with::<cleanup>().with::<deliver>().with::<watch>().config_file(&file)).await;
        let text = error.to_string().replace(&directory.display().to_string(), "DIR");
        assert_eq!(
            text,
            "this host cannot start: 11 problems\n\
             \n \
             1. `drain_delay` of section [host] is not a duration: `5`\n      \
                set at DIR/app.toml:3\n      \
                help: write a duration such as \"5m\" or \"1h 30m\"\n \
             2. section [host] has no option `stop_timeuot`\n      \
                set at DIR/app.toml:2\n      \
                help: did you mean `stop_timeout`?\n \
             3. `every` of periodic `cleanup` is not a duration: `soon`\n      \
                set at DIR/app.toml:6\n      \
                it does not begin with a number\n      \
                help: write a duration such as \"5m\" or \"1h 30m\"\n \
             4. `missed` of periodic `cleanup` is not \"once\", \"skip\" or \"all\": `twice`\n      \
                set at DIR/app.toml:7\n      \
                help: write \"once\", \"skip\" or \"all\"\n \
             5. periodic `cleanup` has no option `tiemout`\n      \
                set at DIR/app.toml:8\n      \
                help: did you mean `timeout`?\n \
             6. `name` of queued `deliver` cannot be configured\n      \
                set at DIR/app.toml:13\n      \
                help: it belongs to the attribute in the source code\n \
             7. `capacity` of queued `deliver` is not between 1 and 10000000: `0`\n      \
                set at DIR/app.toml:11\n      \
                help: write a number from 1 to 10000000\n \
             8. `concurrency` of queued `deliver` is not a whole number: `four`\n      \
                set at DIR/app.toml:12\n      \
                help: write a number without quotes, such as 1\n \
             9. `on_failure` of background_service `watch` is not \"stop-host\", \"restart\" or \"ignore\": `restrat`\n      \
                set at DIR/app.toml:17\n      \
                help: did you mean \"restart\"?\n\
             10. `backoff` of background_service `watch` is not a backoff: `1m..1s`\n      \
                set at DIR/app.toml:16\n      \
                the first delay is longer than the last\n      \
                help: write a range such as \"1s..1m\", or one duration\n\
             11. `port` of section [mail] is integer `70000`, expected u16\n      \
                set at DIR/app.toml:20"
        );
    }
}

mod constructors {
    use super::*;

    static CALLED: AtomicUsize = AtomicUsize::new(0);

    struct Eager;

    #[hostkit::singleton(as = dyn Store)]
    impl Eager {
        fn new() -> Self {
            CALLED.fetch_add(1, Ordering::SeqCst);
            Self
        }
    }
    impl Store for Eager {}

    #[hostkit::singleton]
    async fn connection() -> std::io::Result<String> {
        CALLED.fetch_add(1, Ordering::SeqCst);
        Err(std::io::Error::other("no network"))
    }

    #[hostkit::on_start]
    async fn migrate(connection: Ext<String>, store: &dyn Store) {
        CALLED.fetch_add(1, Ordering::SeqCst);
        let _ = (connection, store);
    }

    #[tokio::test]
    async fn building_a_host_calls_nothing_of_the_users() {
        let mut builder = Host::empty();
        builder.with::<idle>().with::<migrate>().with::<Eager>().with::<connection>();
        let host = built(&mut builder).await;
        drop(host);
        assert_eq!(CALLED.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_replacement_for_what_nobody_asks_for_is_said() {
        #[hostkit::singleton]
        struct Unasked {}
        let error = refused(Host::empty().with::<idle>().replace::<Unasked>(|| Unasked {})).await;
        assert_eq!(
            error.problems().collect::<Vec<_>>(),
            ["`Unasked` is replaced, but nothing in this host asks for it"]
        );
    }
}
