//! What is true of a program whatever user code does to its threads: signals are heard, and who holds a thread is named.

use std::time::{Duration, Instant};

use crate::child::{Program, Running, signal};
use crate::support::{SECOND, directory};

/// A program on one thread that somebody blocks.
fn blocked(test: &str, who: &str) -> Running {
    let program = Program::new(env!("CARGO_BIN_EXE_stubborn"), &directory(test));
    let mut running = program.variable("HOSTKIT__APP__BLOCKS", who).start();
    running.has_said(&format!("{who} blocks"));
    running
}

mod signals {
    use super::*;

    #[test]
    fn a_second_signal_ends_a_program_whose_only_thread_is_blocked() {
        for (who, first, second, code) in
            [("serve", "TERM", "INT", 130), ("tick", "INT", "TERM", 143), ("process", "QUIT", "QUIT", 131)]
        {
            let running = blocked("second_signal_blocked", who);
            running.signal(first);
            // Two of the same kind that come at once are one.
            std::thread::sleep(SECOND / 5);
            let (spent, took) = running.spends_until_its_end(second);
            let ended = running.ended().with_code(code);
            assert!(ended.report().contains(&format!("`{who}` was still running after ")), "{ended:#?}");
            assert!(spent < SECOND / 5, "{spent:?} of processor time");
            assert!(took < 5 * SECOND, "{took:?}");
        }
    }

    #[test]
    fn a_second_signal_ends_a_program_with_every_thread_blocked() {
        let program = Program::new(env!("CARGO_BIN_EXE_stubborn_many"), &directory("every_thread"));
        let mut running = program.start();
        running.has_said("computing");
        running.signal("TERM");
        running.has_said("signal received");
        let (spent, took) = running.spends_until_its_end("TERM");
        let ended = running.ended().with_code(143);
        assert!(ended.report().contains("`compute` was still "), "{ended:#?}");
        assert!(spent < SECOND / 5 && took < 5 * SECOND, "{spent:?} of processor time, {took:?} in all");
    }

    #[test]
    fn a_program_whose_only_thread_is_blocked_ends_soon_after_the_deadline_of_its_stop() {
        for who in ["serve", "migrate", "serve at its end"] {
            let program = Program::new(env!("CARGO_BIN_EXE_stubborn"), &directory("overdue"));
            let program = program.variable("HOSTKIT__HOST__STOP_TIMEOUT", "500ms");
            let program = program.variable("HOSTKIT__HOST__STALL_AFTER", "200ms");
            let mut running = program.variable("HOSTKIT__APP__BLOCKS", who).start();
            let at_the_end = who == "serve at its end";
            running.has_said(if at_the_end { "every service is ready" } else { "blocks" });
            let began = Instant::now();
            running.signal("TERM");
            let ended = running.ended().with_code(1);
            let took = began.elapsed();
            assert!(took > SECOND / 2 && took < 5 * SECOND, "{took:?}");
            assert!(ended.report().contains("the host did not stop cleanly"), "{ended:#?}");
            let (name, what) = if who == "migrate" { (who, "running its hook") } else { ("serve", "") };
            assert!(ended.report().contains(&format!("`{name}` was still {what}")), "{ended:#?}");
        }
    }

    #[test]
    fn a_run_of_ones_own_returns_at_once_after_a_second_signal_with_every_thread_blocked() {
        let program = Program::new(env!("CARGO_BIN_EXE_own_main"), &directory("own_main_blocked"));
        let program = program.variable("BLOCKS", "1").variable("HOSTKIT__BACKGROUND_SERVICE__SERVE__INSTANCES", "64");
        let running = program.start();
        running.listens();
        std::thread::sleep(SECOND / 5);
        running.signal("TERM");
        std::thread::sleep(SECOND / 5);
        let (_, took) = running.spends_until_its_end("INT");
        running.ended().with_code(130);
        assert!(took < 5 * SECOND, "{took:?}");
    }

    #[test]
    fn a_hangup_is_ignored_where_there_is_no_terminal() {
        let mut running = Program::new(env!("CARGO_BIN_EXE_single_thread"), &directory("hangup")).start();
        running.has_said("every service is ready");
        for _ in 0..2 {
            running.signal("HUP");
            running.has_said("signal ignored");
        }
        running.signal("TERM");
        let ended = running.ended().with_code(0);
        assert!(ended.stderr.contains("SIGHUP") && ended.stderr.contains("SIGTERM"), "{ended:#?}");
    }

    /// Needs `script`, which makes a terminal.
    #[test]
    fn a_hangup_stops_a_program_on_a_terminal_however_often_it_comes() {
        if std::env::var_os("CI").is_none() && std::process::Command::new("script").arg("--version").output().is_err() {
            eprintln!("skipped: a_hangup_stops_a_program_on_a_terminal_however_often_it_comes needs `script`");
            return;
        }
        let program = Program::new("script", &directory("terminal"));
        let command = format!("echo process $$; exec {}", env!("CARGO_BIN_EXE_single_thread"));
        let program = program.variable("HOSTKIT__HOST__DRAIN_DELAY", "1s");
        let running = program.arguments(["-qec", &command, "/dev/null"]).start();
        let process = running.has_printed("process ");
        running.has_printed("every service is ready");
        signal(&process, "HUP");
        running.has_printed("no longer ready");
        signal(&process, "HUP");
        running.has_printed("signal ignored");
        let ended = running.ended().with_code(0);
        assert!(ended.stdout.contains("SIGHUP") && ended.stdout.contains("stopped"), "{ended:#?}");
    }
}

mod hosts {
    use super::*;

    #[test]
    fn several_hosts_of_a_process_hear_the_same_signal() {
        let program = Program::new(env!("CARGO_BIN_EXE_two_hosts"), &directory("two_hosts"));
        let running = program.start();
        running.has_printed("both are ready");
        let began = Instant::now();
        running.signal("TERM");
        let ended = running.ended().with_code(0);
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(ended.stdout, "both are ready\nboth have ended\n", "{ended:#?}");
    }
}

mod stalls {
    use super::*;

    #[test]
    fn whoever_holds_its_thread_for_too_long_is_named_with_how_long() {
        for who in ["serve", "tick", "process", "migrate", "serve at its end"] {
            let program = Program::new(env!("CARGO_BIN_EXE_stubborn"), &directory("stalls"));
            let program = program.variable("HOSTKIT__HOST__STALL_AFTER", "200ms").variable("HOSTKIT__APP__BLOCKS", who);
            let mut running = program.variable("HOSTKIT__APP__MILLISECONDS", "900").start();
            if who == "serve at its end" {
                running.has_said("every service is ready");
                running.signal("TERM");
            }
            if who == "serve at its end" {
                // The program ends before anybody can say that this is over.
                running.has_said("serve at its end gave way");
            } else {
                running.has_said("gave way after it had held its thread for ");
                running.signal("TERM");
            }
            let ended = running.ended().with_code(0);
            let warning = ended.stderr.lines().find(|line| line.contains("holds its thread for ")).unwrap();
            let name = who.split(' ').next().unwrap();
            assert!(warning.contains("\"WARN\"") && warning.contains(&format!("\"service\":\"{name}\"")), "{warning}");
            let held = warning.split_once("holds its thread for ").unwrap().1.split_once("ms ").unwrap().0;
            assert!((200..900).contains(&held.parse::<u32>().unwrap()), "{warning}");
        }
    }

    #[test]
    fn nobody_is_named_who_gives_way_or_if_nobody_asks_for_it() {
        for (stall_after, milliseconds) in [("none", "700"), ("5s", "700"), ("700ms", "50")] {
            let program = Program::new(env!("CARGO_BIN_EXE_stubborn"), &directory("no_stalls"));
            let program = program.variable("HOSTKIT__HOST__STALL_AFTER", stall_after);
            let program = program.variable("HOSTKIT__APP__BLOCKS", "tick");
            let mut running = program.variable("HOSTKIT__APP__MILLISECONDS", milliseconds).start();
            for _ in 0..3 {
                running.has_said("tick gave way");
                std::thread::sleep(SECOND / 2);
            }
            running.signal("TERM");
            let ended = running.ended().with_code(0);
            assert!(!ended.stderr.contains("holds its thread"), "{ended:#?}");
        }
    }
}
