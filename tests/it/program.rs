//! The generated program: its commands, its exit codes, signals.

use std::fs;

use serde_json::Value;

use crate::child::{Ended, Program};
use crate::support::{directory, without_lines};

const WORKER: &str = env!("CARGO_BIN_EXE_worker");

/// The worker in a directory of the test's own, in a mode.
fn worker(test: &str, mode: &str) -> Program {
    Program::new(WORKER, &directory(test)).variable("HOSTKIT__APP__MODE", mode)
}

fn run(test: &str, arguments: &str) -> Ended {
    Program::new(WORKER, &directory(test)).arguments(arguments.split_whitespace()).run()
}

mod signals {
    use super::*;

    #[test]
    fn each_stopping_signal_ends_the_program_with_success() {
        for signal in ["TERM", "INT", "QUIT"] {
            let mut running = worker("each_stopping_signal", "").start();
            running.has_said("every service is ready");
            running.signal(signal);
            let ended = running.ended().with_code(0);
            for said in [&format!("SIG{signal}"), "served", "resource disposed", "stopped"] {
                assert!(ended.stderr.contains(said), "{said}: {ended:#?}");
            }
            assert_eq!(ended.stdout, "");
        }
    }

    #[test]
    fn a_second_signal_ends_the_program_at_once_and_says_who_was_running() {
        for (first, second, code) in [("TERM", "INT", 130), ("INT", "QUIT", 131), ("INT", "TERM", 143)] {
            let mut running = worker("a_second_signal", "slow").start();
            running.has_said("every service is ready");
            running.signal(first);
            running.has_said("taking long to stop");
            running.signal(second);
            let ended = running.ended().with_code(code);
            assert!(ended.report().contains("`serve` was still stopping after "), "{ended:#?}");
        }
    }

    #[test]
    fn a_signal_while_the_program_starts_is_a_clean_stop() {
        let mut running = worker("a_signal_while_starting", "constructor-hangs").start();
        running.has_said("hanging in a constructor");
        running.signal("TERM");
        running.ended().with_code(0);
    }

    #[test]
    fn a_constructor_that_blocks_its_thread_has_the_time_of_the_stop_and_is_named() {
        let running =
            worker("a_constructor_blocks", "constructor-blocks").variable("HOSTKIT__HOST__STOP_TIMEOUT", "2s");
        let mut running = running.start();
        running.has_said("blocking in a constructor");
        running.signal("TERM");
        let ended = running.ended().with_code(1);
        let report = ended.report();
        assert!(
            report.starts_with("hostkit: the host did not stop cleanly\n  `Resource` was still being built after 1s "),
            "{report}"
        );
        assert!(report.ends_with("ms and blocks its thread\n"), "{report}");
    }

    #[test]
    fn a_hook_that_blocks_its_thread_keeps_nobody_from_ending() {
        let running = worker("a_hook_that_blocks", "stop-hook-blocks").variable("HOSTKIT__HOST__STOP_TIMEOUT", "1s");
        let mut running = running.start();
        running.has_said("every service is ready");
        running.signal("TERM");
        let ended = running.ended().with_code(1);
        assert!(ended.report().contains("`withdraw` was still running its hook"), "{ended:#?}");
        assert!(ended.stderr.contains("resource disposed"), "{ended:#?}");
    }

    #[test]
    fn whoever_overruns_the_deadline_is_named() {
        let mut running = worker("overruns", "deaf").variable("HOSTKIT__HOST__STOP_TIMEOUT", "400ms").start();
        running.has_said("every service is ready");
        running.signal("TERM");
        let ended = running.ended().with_code(1);
        let report = ended.report();
        assert!(
            report.starts_with("hostkit: the host did not stop cleanly\n  `serve` was still stopping after "),
            "{report}"
        );
        assert!(report.ends_with("ms and was dropped\n"), "{report}");
    }

    #[test]
    fn a_thread_that_blocks_is_left_behind() {
        for (mode, set, begins, said) in [
            ("blocks", "background_service.compute.enabled=false", "serving", "and blocks its thread"),
            (
                "",
                "background_service.compute.enabled=true",
                "computing",
                "blocking function is still running and was left behind",
            ),
        ] {
            let program = worker("a_thread_that_blocks", mode).variable("HOSTKIT__HOST__STOP_TIMEOUT", "400ms");
            let mut running = program.arguments(["--set", set]).start();
            running.has_said("every service is ready");
            running.has_said(begins);
            running.signal("TERM");
            let ended = running.ended();
            assert!(matches!(ended.code(), Some(0 | 1)), "{ended:#?}");
            assert!(ended.stderr.contains(said), "{ended:#?}");
        }
    }

    #[test]
    fn a_killed_program_can_be_started_again() {
        let directory = directory("killed");
        for _ in 0..3 {
            let mut running = Program::new(WORKER, &directory).start();
            running.has_said("serving");
            running.signal("KILL");
            assert_eq!(running.ended().killed_by(), Some(9));
        }
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "it leaves nothing behind");
        let mut running = Program::new(WORKER, &directory).start();
        running.has_said("every service is ready");
        running.signal("TERM");
        running.ended().with_code(0);
    }

    #[test]
    fn a_program_on_one_thread_is_stopped_as_well() {
        let program = Program::new(env!("CARGO_BIN_EXE_single_thread"), &directory("one_thread"));
        let mut running = program.start();
        running.has_said("every service is ready");
        running.signal("TERM");
        let ended = running.ended().with_code(0);
        assert!(ended.stderr.contains("serving number 1 on Some(\\\"main\\\")"), "{ended:#?}");
    }

    #[test]
    fn a_main_of_ones_own_gives_the_same_codes() {
        let program = || Program::new(env!("CARGO_BIN_EXE_own_main"), &directory("own_main"));
        for (deaf, set, code) in [(None, "1h", 0), (Some("1"), "100ms", 1), (None, "soon", 78)] {
            let mut program = program().variable("HOSTKIT__HOST__STOP_TIMEOUT", set);
            if let Some(deaf) = deaf {
                program = program.variable("DEAF", deaf);
            }
            let running = program.start();
            if code != 78 {
                // It says nothing, so wait until it listens to signals.
                running.listens();
                running.signal("TERM");
            }
            running.ended().with_code(code);
        }
    }
}

mod codes {
    use super::*;

    #[test]
    fn every_end_has_its_code_and_its_report() {
        for (mode, code, report) in [
            ("fails", 1, "service `serve` failed: socket closed\n"),
            ("panics", 1, "service `serve` panicked: out of cheese (at tests/src/bin/worker.rs:LINE:21)\n"),
            (
                "constructor-fails",
                75,
                "the host did not start: cannot build `Resource`, needed by `serve`: its constructor failed: no such database\n",
            ),
            ("hook-fails", 75, "the host did not start: hook `migrate` failed: table is locked\n"),
        ] {
            let ended = worker("every_end", mode).run().with_code(code);
            let said = without_lines(ended.report());
            let said = said.strip_prefix("hostkit: ").unwrap();
            assert_eq!(
                said.strip_prefix("the host did not start: service")
                    .map_or(said.to_owned(), |rest| format!("service{rest}")),
                report
            );
            assert_eq!(ended.stdout, "");
        }
    }

    #[test]
    fn an_exit_of_the_services_own_keeps_its_code() {
        worker("exit", "exits").run().with_code(42);
    }

    #[test]
    fn a_host_whose_finite_services_are_done_ends_with_success() {
        let directory = directory("done");
        let program = Program::new(WORKER, &directory).arguments(["--only", "serve", "--set", "app.mode=done"]);
        let ended = program.run().with_code(0);
        assert!(ended.stderr.contains("every service is done"), "{ended:#?}");
    }

    #[test]
    fn what_cannot_be_understood_is_a_usage_error() {
        for arguments in
            ["nonsense", "--nonsense", "trigger", "enqueue process", "--set x", "run --config", "graph --format svg"]
        {
            let ended = run("usage", arguments).with_code(2);
            assert_eq!(ended.stdout, "", "{arguments}");
            assert!(!ended.stderr.is_empty(), "{arguments}");
        }
    }

    #[test]
    fn programs_with_faulty_wiring_say_so() {
        for (path, expected) in [
            (
                env!("CARGO_BIN_EXE_empty"),
                " 1. it has no services: no function with a hostkit attribute is part of this program\n      \
                 help: annotate one, or, if they are in another crate, name that crate in `hostkit::main!(link(that_crate))`: the linker drops what nobody names\n",
            ),
            (
                env!("CARGO_BIN_EXE_forgetful"),
                " 1. crate `serde` is linked, but it registers nothing\n      \
                 help: remove it from `link(..)`, or put a hostkit attribute on something in it\n",
            ),
            (
                env!("CARGO_BIN_EXE_compiled_twice"),
                " 1. two services are named `nightly`\n      \
                 tests/src/jobs.rs:LINE (compiled_twice::jobs)\n      \
                 tests/src/jobs.rs:LINE (hostkit_tests::jobs)\n      \
                 help: this file is compiled twice, into the library and into the binary: remove its `mod` from one of them\n",
            ),
        ] {
            for command in ["run", "check", "list", "graph"] {
                let ended = Program::new(path, &directory("faulty")).arguments([command]).run().with_code(78);
                let said = without_lines(ended.report());
                assert_eq!(said, format!("hostkit: this host cannot start: 1 problem\n\n{expected}"), "{command}");
                assert_eq!(ended.stdout, "");
            }
        }
    }

    #[test]
    fn the_library_beside_a_program_is_linked_without_being_named() {
        let program = Program::new(env!("CARGO_BIN_EXE_own_library"), &directory("own_library"));
        let ended = program.arguments(["list"]).run().with_code(0);
        assert!(ended.stdout.contains("nightly") && ended.stdout.contains("Counts what was sold"), "{ended:#?}");
    }

    #[test]
    fn a_setup_that_fails_is_reported() {
        let program = Program::new(env!("CARGO_BIN_EXE_single_thread"), &directory("setup"));
        let ended = program.variable("NUMBER", "seven").run();
        assert!(matches!(ended.code(), Some(1..)), "{ended:#?}");
        assert!(ended.report().contains("invalid digit found in string"), "{ended:#?}");
    }
}

mod commands {
    use super::*;

    #[test]
    fn list_is_data_for_people_and_for_programs() {
        let ended = run("list", "list").with_code(0);
        for word in ["serve", "cleanup", "process", "migrate", "withdraw", "Deletes what nobody needs", "every 1h"] {
            assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
        }
        assert_eq!(ended.stderr, "");

        let ended = run("list_json", "list --json").with_code(0);
        let json: Value = serde_json::from_str(&ended.stdout).unwrap();
        let text = json.to_string();
        for word in ["\"serve\"", "\"cleanup\"", "\"periodic\"", "Serves until it is told to stop, or does not."] {
            assert!(text.contains(word), "{word}: {json:#}");
        }
        assert!(!text.contains("Nobody reads this"), "{json:#}");
        assert_eq!(ended.stderr, "");
    }

    #[test]
    fn check_starts_nothing() {
        let directory = directory("check");
        for mode in ["", "constructor-fails", "hook-fails", "constructor-hangs"] {
            let program = Program::new(WORKER, &directory).variable("HOSTKIT__APP__MODE", mode);
            program.arguments(["check"]).run().with_code(0);
        }
        let program = Program::new(WORKER, &directory).arguments(["check", "--set", "app.times=11"]);
        let ended = program.run().with_code(78);
        assert!(ended.report().contains("section [app] is refused: 11 times are too many"), "{ended:#?}");
    }

    #[test]
    fn graph_draws_in_two_languages() {
        let mermaid = run("graph", "graph").with_code(0).stdout;
        assert!(mermaid.starts_with("flowchart") || mermaid.starts_with("graph"), "{mermaid}");
        let dot = run("graph_dot", "graph --format dot").with_code(0).stdout;
        assert!(dot.starts_with("digraph"), "{dot}");
        for drawing in [mermaid, dot] {
            for name in ["serve", "cleanup", "process", "Resource", "AppOptions"] {
                assert!(drawing.contains(name), "{name}: {drawing}");
            }
        }
    }

    #[test]
    fn trigger_runs_one_function_and_what_it_enqueues() {
        let ended = run("trigger", "trigger cleanup").with_code(0);
        assert!(ended.stderr.contains("cleaning") && ended.stderr.contains("processed 7 in process"), "{ended:#?}");
        assert!(!ended.stderr.contains("serving"), "{ended:#?}");
        assert_eq!(ended.stdout, "");

        let failed = worker("trigger_fails", "cleanup-fails").arguments(["trigger", "cleanup"]).run().with_code(1);
        assert!(failed.report().contains("`cleanup` failed: disk is full"), "{failed:#?}");
        let failed = worker("trigger_hook", "hook-fails").arguments(["trigger", "cleanup"]).run().with_code(75);
        assert!(failed.report().contains("hook `migrate` failed: table is locked"), "{failed:#?}");
        let unknown = run("trigger_unknown", "trigger claenup").with_code(2);
        assert!(unknown.stderr.contains("did you mean `cleanup`?"), "{unknown:#?}");
        let queued = run("trigger_queued", "trigger process");
        assert_eq!(queued.code(), Some(2), "{queued:#?}");
    }

    #[test]
    fn a_finite_service_and_a_hook_can_be_triggered() {
        let ended = worker("trigger_service", "done").arguments(["trigger", "serve"]).run().with_code(0);
        assert!(ended.stderr.contains("serving"), "{ended:#?}");
        assert!(!ended.stderr.contains("every service is ready"), "{ended:#?}");
        let ended = worker("trigger_failing_service", "fails").arguments(["trigger", "serve"]).run().with_code(1);
        assert!(ended.report().contains("`serve` failed: socket closed"), "{ended:#?}");
        for hook in ["migrate", "withdraw"] {
            let ended = run("trigger_hook_alone", &format!("trigger {hook}")).with_code(0);
            assert_eq!(
                ended.stderr.matches("running hook").count(),
                if hook == "migrate" { 1 } else { 2 },
                "{ended:#?}"
            );
        }
    }

    #[test]
    fn a_triggered_function_that_blocks_its_thread_can_be_stopped() {
        let mut running = worker("trigger_blocks", "blocks")
            .variable("HOSTKIT__HOST__STOP_TIMEOUT", "400ms")
            .arguments(["trigger", "serve"])
            .start();
        running.has_said("serving");
        running.signal("INT");
        let ended = running.ended().with_code(1);
        assert!(ended.report().contains("blocks its thread"), "{ended:#?}");
    }

    #[test]
    fn a_triggered_function_can_be_stopped() {
        let mut running = worker("trigger_stopped", "cleanup-hangs")
            .variable("HOSTKIT__HOST__STOP_TIMEOUT", "400ms")
            .arguments(["trigger", "cleanup"])
            .start();
        running.has_said("cleaning");
        running.signal("TERM");
        let ended = running.ended().with_code(1);
        assert!(ended.report().contains("`cleanup` was still stopping"), "{ended:#?}");
    }

    #[test]
    fn enqueue_says_that_the_queue_is_not_durable() {
        let ended = run("enqueue", "enqueue process --json 7").with_code(2);
        assert!(ended.stderr.contains("durable"), "{ended:#?}");
        let ended = run("enqueue_unknown", "enqueue porcess --json 7").with_code(2);
        assert!(ended.stderr.contains("process"), "{ended:#?}");
    }

    #[test]
    fn help_and_version_are_data() {
        for arguments in ["--help", "-h", "run --help", "config --help"] {
            let ended = run("help", arguments).with_code(0);
            assert!(ended.stdout.contains("Usage: "), "{arguments}: {ended:#?}");
            assert_eq!(ended.stderr, "");
        }
        let version = run("version", "--version").with_code(0);
        assert_eq!(version.stdout, format!("worker {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn only_and_except_choose_and_refuse_what_nobody_has() {
        let ended = run("only", "list --only serve").with_code(0);
        assert!(ended.stdout.contains("serve") && !ended.stdout.contains("process"), "{ended:#?}");
        let ended = run("only_unknown", "run --only srve,cleanup --except bananas").with_code(78);
        assert!(ended.report().contains("`only` names `srve`"), "{ended:#?}");
        assert!(ended.report().contains("`except` names `bananas`"), "{ended:#?}");
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let script = format!("{WORKER} list | head -n 1");
        let ended = Program::new("sh", &directory("closed_pipe")).arguments(["-c", &script]).run().with_code(0);
        assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
        let script = format!("{WORKER} list >&-; {WORKER} list 2>&-");
        let ended = Program::new("sh", &directory("closed_output")).arguments(["-c", &script]).run();
        assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
    }
}

mod configuration {
    use super::*;

    /// What the worker says of its options when it starts with these arguments, in a directory with these files.
    fn says(test: &str, files: &[(&str, &str)], variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let directory = directory(test);
        for (name, text) in files {
            fs::write(directory.join(name), text).unwrap();
        }
        let mut program = Program::new(WORKER, &directory);
        for (name, value) in variables {
            program = program.variable(name, value);
        }
        program.arguments(["--set", "app.mode=done", "--only", "serve"]).arguments(arguments).run()
    }

    type Pairs = &'static [(&'static str, &'static str)];

    const FILE: (&str, &str) = ("hostkit.toml", "[app]\ngreeting = \"file\"\ntimes = 1\nurl = \"file\"\n");
    const STAGING: (&str, &str) = ("hostkit.staging.toml", "[app]\ngreeting = \"staging\"\ntimes = 2\n");
    const OTHER: (&str, &str) = ("other.toml", "[app]\ngreeting = \"other\"\n");

    #[test]
    fn later_layers_win_key_by_key() {
        let greeting = ("HOSTKIT__APP__GREETING", "variable");
        for (files, variables, arguments, expected) in [
            (&[][..], &[][..], &[][..], "hello 0 None None  in production"),
            (&[FILE], &[], &[], "file 1 None None file in production"),
            (&[FILE, STAGING], &[], &[], "file 1 None None file in production"),
            (&[FILE, STAGING], &[], &["--env", "staging"], "staging 2 None None file in staging"),
            (&[FILE, STAGING], &[("HOSTKIT_ENV", "staging")], &[], "staging 2 None None file in staging"),
            (&[FILE, STAGING], &[("HOSTKIT_ENV", "staging")], &["--env", "test"], "file 1 None None file in test"),
            (&[FILE, STAGING], &[("HOSTKIT_ENV", "staging"), greeting], &[], "variable 2 None None file in staging"),
            (&[FILE], &[greeting], &["--set", "app.greeting=set"], "set 1 None None file in production"),
            (&[FILE, OTHER], &[], &["--config", "other.toml"], "other 0 None None  in production"),
            (
                &[FILE],
                &[("HOSTKIT__APP__TIMES", "7"), ("HOSTKIT__APP__PIN", "42")],
                &[],
                "file 7 None Some(42) file in production",
            ),
            (&[], &[("hostkit__app__greeting", "lower case")], &[], "lower case 0 None None  in production"),
        ] {
            let ended = says("layers", files, variables, arguments).with_code(0);
            assert!(ended.stderr.contains(expected), "{expected}: {ended:#?}");
        }
    }

    #[test]
    fn a_variable_can_name_the_file_that_holds_the_value() {
        let secret = ("token", "0123456\n");
        let variables = [("HOSTKIT_FILE__APP__API_TOKEN", "token")];
        let ended = says("secret_file", &[secret], &variables, &[]).with_code(0);
        assert!(ended.stderr.contains("hello 0 Some(\\\"0123456\\\")"), "{ended:#?}");

        let ended = says("secret_file_missing", &[], &variables, &[]).with_code(78);
        assert!(ended.report().contains("HOSTKIT_FILE__APP__API_TOKEN"), "{ended:#?}");
        let both = [variables[0], ("HOSTKIT__APP__API_TOKEN", "x")];
        let ended = says("secret_file_both", &[secret], &both, &[]).with_code(78);
        assert!(ended.report().contains("`app.api_token` is set by two environment variables"), "{ended:#?}");
        assert!(!ended.stderr.contains("0123456"), "{ended:#?}");
    }

    #[test]
    fn show_says_what_holds_and_where_it_came_from_without_secrets() {
        let files = [
            (
                "hostkit.toml",
                "[app]\ngreeting = \"file\"\npin = 4711\nurl = \"postgres://app:hunter2@db/x\"\n[periodic.cleanup]\nevery = \"5m\"\n",
            ),
            ("token", "swordfish"),
        ];
        let variables = [("HOSTKIT_FILE__APP__API_TOKEN", "token"), ("HOSTKIT__APP__TIMES", "3")];
        let ended = says("show", &files, &variables, &["config", "show"]).with_code(0);
        for secret in ["4711", "hunter2", "swordfish"] {
            assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{secret}: {ended:#?}");
        }
        for (line, origin) in [
            ("app.greeting = \"file\"", "hostkit.toml:2"),
            ("app.pin = \"***\"", "hostkit.toml:3"),
            ("app.url = \"postgres://app:***@db/x\"", "hostkit.toml:4"),
            ("app.api_token = \"***\"", "file token (environment variable HOSTKIT_FILE__APP__API_TOKEN)"),
            ("app.times = 3", "environment variable HOSTKIT__APP__TIMES"),
            ("app.mode = \"done\"", "--set"),
            ("periodic.cleanup.every = \"5m\"", "hostkit.toml:6"),
            ("queued.process.capacity = 10", "tests/src/bin/worker.rs:"),
            ("host.stop_timeout = \"25s\"", "default"),
        ] {
            let found = ended.stdout.lines().find(|shown| shown.starts_with(line));
            assert!(found.is_some_and(|found| found.contains(origin)), "{line} {origin}: {}", ended.stdout);
        }
    }

    #[test]
    fn a_faulty_program_still_shows_its_configuration_or_says_why_not() {
        let ended = says("show_faulty", &[("hostkit.toml", "[app]\ntimes = \"many\"\n")], &[], &["config", "show"]);
        assert!(matches!(ended.code(), Some(0 | 78)), "{ended:#?}");
        assert!(
            ended.stdout.contains("app.times = \"many\"") || ended.report().contains("hostkit.toml:2"),
            "{ended:#?}"
        );
    }

    #[test]
    fn the_sample_is_a_file_that_changes_nothing() {
        let sample = run("sample", "config sample").with_code(0);
        assert_eq!(sample.stderr, "");
        for word in ["[app]", "How it ends", "[periodic.cleanup]", "[queued.process]", "[host]"] {
            assert!(sample.stdout.contains(word), "{word}: {}", sample.stdout);
        }
        let directory = directory("sample_used");
        fs::write(directory.join("hostkit.toml"), &sample.stdout).unwrap();
        let ended = Program::new(WORKER, &directory).arguments(["check"]).run().with_code(0);
        assert!(!ended.stderr.contains("WARN"), "{ended:#?}");

        // With every value that it shows set, nothing is another.
        let set = |line: &str| line.strip_prefix('#').filter(|line| !line.starts_with(' ')).unwrap_or(line).to_owned();
        let everything = sample.stdout.lines().map(set).collect::<Vec<_>>().join("\n");
        assert!(everything.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count() > 20);
        let values = |text: &str| {
            let value = |line: &str| line.rsplit_once("  # ").map_or(line, |(value, _)| value).trim_end().to_owned();
            text.lines().map(value).collect::<Vec<_>>()
        };
        for command in [&["config", "show"][..], &["list"]] {
            let ends = [&sample.stdout, &everything].map(|file| {
                fs::write(directory.join("hostkit.toml"), file).unwrap();
                values(&Program::new(WORKER, &directory).arguments(command).run().with_code(0).stdout)
            });
            assert_eq!(ends[0], ends[1], "{command:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_reported_whole() {
        let bad = ("hostkit.toml", "[app]\ngreeting = \n");
        let ended = says("bad_toml", &[bad], &[("HOSTKIT__HOST__STOP_TIMEOUT", "soon")], &["--set", "app.times=x"]);
        let ended = ended.with_code(78);
        for place in ["hostkit.toml:2", "HOSTKIT__HOST__STOP_TIMEOUT", "`times` of section [app]", "3 problems"] {
            assert!(ended.report().contains(place), "{place}: {ended:#?}");
        }

        let ended = says("missing_file", &[], &[], &["--config", "nowhere.toml"]).with_code(78);
        assert!(ended.report().contains("configuration file `nowhere.toml` does not exist"), "{ended:#?}");

        let ended = says("not_text", &[], &[], &["--config", "."]).with_code(78);
        assert!(ended.report().contains("is a directory, not a file"), "{ended:#?}");

        let directory = directory("not_utf8");
        fs::write(directory.join("hostkit.toml"), b"[app]\ngreeting = \"\xff\"\n").unwrap();
        let ended = Program::new(WORKER, &directory).arguments(["check"]).run().with_code(78);
        assert!(ended.report().contains("is not UTF-8 text"), "{ended:#?}");

        let ended = says("bad_environment", &[], &[], &["--env", "../../etc"]).with_code(78);
        assert!(ended.report().contains("`../../etc` is not a name for an environment"), "{ended:#?}");
    }

    #[test]
    fn a_file_without_permission_is_reported() {
        use std::os::unix::fs::PermissionsExt;
        let directory = directory("unreadable");
        let file = directory.join("hostkit.toml");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read(&file).is_ok() {
            // Whoever may read everything, as root may, cannot see this.
            return;
        }
        let ended = Program::new(WORKER, &directory).arguments(["check"]).run().with_code(78);
        assert!(ended.report().contains("configuration file `hostkit.toml` cannot be read"), "{ended:#?}");
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_is_fine() {
        use std::os::unix::fs::PermissionsExt;
        let directory = directory("read_only");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
        let program = Program::new(WORKER, &directory).arguments(["--only", "serve", "--set", "app.mode=done"]);
        program.run().with_code(0);
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_configured_schedule_overrides_the_attribute_from_every_layer() {
        let cases: [(Pairs, Pairs, &[&str]); 3] = [
            (&[("hostkit.toml", "[periodic.cleanup]\nevery = \"90s\"\n")], &[], &[]),
            (&[], &[("HOSTKIT__PERIODIC__CLEANUP__EVERY", "90s")], &[]),
            (&[], &[], &["--set", "periodic.cleanup.every=90s"]),
        ];
        for (files, variables, arguments) in cases {
            let directory = directory("schedule");
            for (name, text) in files {
                fs::write(directory.join(name), text).unwrap();
            }
            let mut program = Program::new(WORKER, &directory);
            for (name, value) in variables {
                program = program.variable(name, value);
            }
            let ended = program.arguments(arguments).arguments(["list"]).run().with_code(0);
            assert!(ended.stdout.contains("every 1m 30s"), "{}", ended.stdout);
        }
        let ended = run("schedule_bad", "list --set periodic.cleanup.every=never").with_code(78);
        assert!(ended.report().contains("`every` of periodic `cleanup` is not a duration: `never`"), "{ended:#?}");
        assert!(ended.report().contains("set by --set"), "{ended:#?}");
    }

    #[test]
    fn check_warns_of_what_was_probably_meant_otherwise_on_standard_error() {
        let variables =
            &[("HOSTKIT_PERIODIC_CLEANUP_EVERY", "5m"), ("HOSTKIT__APP_TIMES", "3"), ("HOSTKIT_ENV", "prodution")];
        let ended = says("meant", &[("hostkit.production.toml", "")], variables, &["check"]).with_code(0);
        for meant in
            ["HOSTKIT__PERIODIC__CLEANUP__EVERY", "HOSTKIT__APP__TIMES", "did you mean environment `production`?"]
        {
            let lines = ended.stderr.lines().filter(|line| line.contains("WARN") && line.contains(meant));
            assert_eq!(lines.count(), 1, "{meant}: {ended:#?}");
        }
        assert!(ended.stdout.starts_with("ok: "), "{ended:#?}");

        let ended = says("meant_set", &[], &[], &["--set", "periodc.cleanup.every=5m", "check"]).with_code(78);
        assert!(ended.report().contains("did you mean [periodic]?"), "{ended:#?}");
        let ended = says("meant_level", &[], &[("RUST_LOG", "dbug")], &["check"]).with_code(0);
        assert!(ended.stderr.contains("RUST_LOG: `dbug` is no level (did you mean `debug`?)"), "{ended:#?}");
        let ended = says("meant_crate", &[], &[("RUST_LOG", "hostkit")], &["check"]).with_code(0);
        assert!(!ended.stderr.contains("is no level"), "{ended:#?}");

        // Any case is read.
        let ended = says("lower_case", &[], &[("hostkit__app__times", "99")], &["check"]).with_code(78);
        assert!(ended.report().contains("99 times are too many"), "{ended:#?}");
    }

    #[test]
    fn what_nobody_reads_is_a_warning_and_with_strict_an_error() {
        let file = ("hostkit.toml", "[app]\ngretting = \"x\"\n[aps]\nx = 1\n[periodic.claenup]\nevery = \"1m\"\n");
        let ended = says("unknown_keys", &[file], &[], &["check"]).with_code(0);
        for meant in ["greeting", "did you mean [app]?", "did you mean [periodic.cleanup]?"] {
            assert!(ended.stderr.contains(meant), "{meant}: {ended:#?}");
        }
        let ended = says("unknown_keys_strict", &[file], &[], &["check", "--set", "host.strict=true"]).with_code(78);
        assert!(ended.report().contains("section [app] has no option `gretting`"), "{ended:#?}");
    }
}
