//! The words of the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Command as Clap};

use super::graph::Language;
use super::list::Form;
use super::trigger::Wishes;
use super::{Command, Common, Invocation};
use crate::program::Program;

/// Where options that every command takes stand in its help.
const EVERYWHERE: &str = "Options of every command";

/// What follows the options in the help of the program.
const MORE: &str = "\
Environment variables:
  HOSTKIT_ENV                 the name of the environment, as --env
  HOSTKIT__SECTION__KEY       a value: HOSTKIT__PERIODIC__CLEANUP__EVERY=5m
  HOSTKIT_FILE__SECTION__KEY  a file that holds the value, for secrets
  RUST_LOG                    what is logged, as --log

Configuration, later wins: attributes in the code, hostkit.toml, hostkit.<env>.toml,
environment variables, --set. `config show` says what holds and where it came from.

Exit codes:
  0    stopped as asked, by a signal as well
  1    a service failed for good, or stopping took too long
  2    the command line is wrong
  75   a constructor, an on_start hook or the store failed, or took too long
  78   the configuration or the wiring is wrong
  130, 131, 143   ended at once by a second SIGINT, SIGQUIT or SIGTERM
";

/// What follows it in programs with durable jobs.
#[cfg(feature = "durable")]
const MORE_OF_JOBS: &str = "
Exit codes of `jobs`, `dead` and `store`:
  1    a job is not there or was left alone, or `store check` found faults
  75   the store cannot be opened or did not answer
  78   the configuration is wrong
";
#[cfg(not(feature = "durable"))]
const MORE_OF_JOBS: &str = "";

/// Reads a command line, of which the first word is the program.
pub(super) fn parse(program: &Program, words: impl IntoIterator<Item = OsString>) -> Result<Invocation, Error> {
    let matches = grammar(program).try_get_matches_from(words)?;
    let mut common = Common::default();
    let mut path = Vec::new();
    let mut level = &matches;
    // An option may stand before and after each word of the command; the later one is the more specific.
    loop {
        common.absorb(level);
        let Some((name, below)) = level.subcommand() else { break };
        path.push(name);
        level = below;
    }
    let word = |id: &str| level.get_one::<String>(id).cloned().unwrap_or_default();
    let command = match path[..] {
        ["list"] if level.get_flag("json") => Command::List(Form::Json),
        ["list"] => Command::List(Form::Table),
        ["check"] => Command::Check,
        ["graph"] if word("format") == "dot" => Command::Graph(Language::Dot),
        ["graph"] => Command::Graph(Language::Mermaid),
        ["trigger"] => Command::Trigger { name: word("name"), json: level.get_one::<String>("json").cloned() },
        ["enqueue"] => Command::Enqueue {
            name: word("name"),
            json: word("json"),
            wishes: Wishes {
                delay: level.get_one::<String>("delay").cloned(),
                key: level.get_one::<String>("key").cloned(),
                priority: level.get_one::<i8>("priority").copied(),
            },
        },
        ["config", "show"] => Command::ConfigShow,
        ["config", "sample"] => Command::ConfigSample,
        #[cfg(feature = "durable")]
        _ => super::durable::words::request(&path, level).map_or(Command::Run, Command::Durable),
        #[cfg(not(feature = "durable"))]
        _ => Command::Run,
    };
    Ok(Invocation { command, common })
}

impl Common {
    fn absorb(&mut self, matches: &ArgMatches) {
        let many = |id: &str| matches.get_many::<String>(id).into_iter().flatten().cloned();
        let one = |id: &str| matches.get_one::<String>(id).cloned();
        self.files.extend(matches.get_many::<PathBuf>("config").into_iter().flatten().cloned());
        self.sets.extend(many("set"));
        self.only.extend(many("only"));
        self.except.extend(many("except"));
        self.environment = one("env").or(self.environment.take());
        if cfg!(feature = "log") {
            self.filter = one("log").or(self.filter.take());
            self.json_log = one("log-format").map(|format| format == "json").or(self.json_log);
        }
    }
}

fn grammar(program: &Program) -> Clap {
    let command = |name: &'static str, about: &'static str| common(Clap::new(name).about(about));
    let name = |help: &'static str| Arg::new("name").value_name("NAME").required(true).help(help);
    let commands = [
        command("run", "Start every service and run until a signal or a failure (the default)"),
        command("list", "Show services and hooks: schedules, order, descriptions, places")
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON, whose shape is kept stable")),
        command("check", "Check configuration and wiring, and start nothing"),
        command("graph", "Draw services, their order and the components they reach").arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(["mermaid", "dot"]))
                .hide_possible_values(true)
                .default_value("mermaid")
                .help("The language of the drawing, mermaid or dot"),
        ),
        command("trigger", "Run one service once, here and now, with its hooks and components")
            .arg(name("The service, as `list` shows it"))
            .arg(
                Arg::new("json")
                    .long("json")
                    .value_name("JSON")
                    .help("The payload, of a durable function; no job is stored"),
            ),
        command("enqueue", "Put an item into a durable queue")
            .arg(name("The queued function"))
            .arg(Arg::new("json").long("json").value_name("JSON").required(true).help("Its payload"))
            .arg(Arg::new("delay").long("delay").value_name("DURATION").help("It may run after this time: 5m"))
            .arg(Arg::new("key").long("key").value_name("KEY").help("Idempotency key: a second job with it is refused"))
            .arg(
                Arg::new("priority")
                    .long("priority")
                    .value_name("NUMBER")
                    .allow_negative_numbers(true)
                    .value_parser(clap::value_parser!(i8))
                    .help("Greater goes first, from -128 to 127"),
            ),
        command("config", "Show the configuration, or a sample of it")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .subcommand(command("show", "Print every value and where it came from, secrets hidden"))
            .subcommand(command("sample", "Print a hostkit.toml with every option and its default")),
    ];
    let program = common(Clap::new(program.name).version(program.version))
        .about("Runs its background services until it is told to stop.")
        .subcommands(commands);
    #[cfg(feature = "durable")]
    let program = program.subcommands(super::durable::words::commands(command));
    program.after_help(MORE.to_owned() + MORE_OF_JOBS)
}

/// Adds the options of every command.
///
/// Clap's own global options would drop what stands before a command as soon as the same option stands after it.
fn common(command: Clap) -> Clap {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading(EVERYWHERE)
    };
    let several = |name, value, help| option(name, value, help).action(ArgAction::Append);
    let names = |name, help| several(name, "NAMES", help).value_delimiter(',');
    let command = command
        .arg(
            several("config", "FILE", "Read this file instead of hostkit.toml (repeatable)")
                .value_parser(clap::value_parser!(PathBuf)),
        )
        .arg(option("env", "NAME", "The environment, such as staging [default: production]"))
        .arg(
            several("set", "KEY=VALUE", "Set one value: --set periodic.cleanup.every=5m (repeatable)")
                .value_parser(pair),
        )
        .arg(names("only", "Run these services and no others: --only a,b"))
        .arg(names("except", "Leave these services or hooks out: --except a,b"));
    #[cfg(feature = "log")]
    let command = command
        .arg(
            option("log", "FILTER", "What to log, such as debug or info,sqlx=warn [default: info]")
                .value_parser(crate::log::check_filter),
        )
        .arg(
            option("log-format", "FORMAT", "As compact or json [default: compact on a terminal, else json]")
                .value_parser(PossibleValuesParser::new(["compact", "json"]))
                .hide_possible_values(true),
        );
    command
}

fn pair(text: &str) -> Result<String, &'static str> {
    match text.split_once('=') {
        Some((key, _)) if !key.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("write a key and a value, such as periodic.cleanup.every=5m"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::graph::Language;
    use super::super::list::Form;
    use super::super::trigger::Wishes;
    use super::super::{Command, Common, Invocation};
    use super::{grammar, parse};
    use crate::program::{Flavor, Program, Runtime};

    static PROGRAM: Program = Program {
        name: "orders",
        version: "1.2.3",
        linked: &[],
        runtime: Runtime { flavor: Flavor::CurrentThread, worker_threads: None },
    };

    fn read(line: &str) -> Result<Invocation, clap::Error> {
        parse(&PROGRAM, std::iter::once("orders").chain(line.split_whitespace()).map(Into::into))
    }

    #[test]
    fn every_command_is_read() {
        let name = || "cleanup".to_owned();
        for (line, expected) in [
            ("", Command::Run),
            ("run", Command::Run),
            ("list", Command::List(Form::Table)),
            ("list --json", Command::List(Form::Json)),
            ("check", Command::Check),
            ("graph", Command::Graph(Language::Mermaid)),
            ("graph --format mermaid", Command::Graph(Language::Mermaid)),
            ("graph --format dot", Command::Graph(Language::Dot)),
            ("trigger cleanup", Command::Trigger { name: name(), json: None }),
            (
                "enqueue cleanup --json 1",
                Command::Enqueue { name: name(), json: "1".to_owned(), wishes: Wishes::default() },
            ),
            ("config show", Command::ConfigShow),
            ("config sample", Command::ConfigSample),
        ] {
            assert_eq!(read(line).unwrap().command, expected, "{line}");
        }
    }

    #[test]
    fn common_options_may_stand_before_and_after_the_command() {
        let expected = Common {
            files: vec![PathBuf::from("a.toml"), PathBuf::from("b.toml")],
            environment: Some("staging".to_owned()),
            sets: vec!["a.b=1".to_owned(), "c.d=x=y".to_owned()],
            only: vec!["one".to_owned(), "two".to_owned(), "three".to_owned()],
            except: vec!["four".to_owned()],
            ..Common::default()
        };
        for line in [
            "--config a.toml --config b.toml --env staging --set a.b=1 --set c.d=x=y --only one,two --only three --except four",
            "--config a.toml --env dev --set a.b=1 --only one run --config b.toml --env staging --set c.d=x=y --only two,three --except four",
            "config --config a.toml --set a.b=1 --only one show --config b.toml --env staging --set c.d=x=y --only two,three --except four",
            "--only one --set a.b=1 config --config a.toml --env dev --only two show --config b.toml --env staging --set c.d=x=y --only three --except four",
        ] {
            assert_eq!(read(line).unwrap().common, expected, "{line}");
        }
    }

    #[cfg(feature = "durable")]
    #[test]
    fn commands_on_durable_jobs_are_read() {
        use super::super::durable::{Change, Letters, Payload, Request, Wanted};
        use crate::store::State;
        let (a, b) = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058");
        let id = |text: &str| text.parse().unwrap();
        let list = |wanted, kind: Option<&str>, limit, form| Request::List {
            wanted,
            kind: kind.map(ToOwned::to_owned),
            limit,
            form,
        };
        let change = |change| Request::Change { change, ids: vec![id(a), id(b)] };
        let all = |letters, kind: Option<&str>| Request::All { letters, kind: kind.map(ToOwned::to_owned) };
        let reason = |text: &str| text.to_owned();
        for (line, expected) in [
            ("jobs list", list(Wanted::All, None, 50, Form::Table)),
            (
                "jobs list --kind mail --state dead --limit 7 --json",
                list(Wanted::In(State::Dead), Some("mail"), 7, Form::Json),
            ),
            ("dead list --kind mail", list(Wanted::Letters, Some("mail"), 50, Form::Table)),
            (
                &format!("jobs show {a} --payload"),
                Request::Show { id: id(a), payload: Payload::Shown, form: Form::Table },
            ),
            (&format!("jobs show --json {b}"), Request::Show { id: id(b), payload: Payload::Hidden, form: Form::Json }),
            ("jobs counts --json", Request::Counts(Form::Json)),
            (&format!("jobs retry {a} {b}"), change(Change::Retry)),
            (&format!("jobs cancel {a} {b}"), change(Change::Cancel { reason: reason("cancelled by hand") })),
            (&format!("jobs cancel {a} --reason x {b}"), change(Change::Cancel { reason: reason("x") })),
            (&format!("jobs discard {a} {b}"), change(Change::Discard { reason: reason("discarded by hand") })),
            (&format!("dead redrive {a} {b}"), change(Change::Redrive)),
            (&format!("dead purge {a} {b}"), change(Change::Purge)),
            ("dead redrive --all", all(Letters::Redrive, None)),
            ("dead purge --all --kind mail", all(Letters::Purge, Some("mail"))),
            ("store check", Request::Check(Form::Table)),
            ("store migrate", Request::Migrate),
            ("store backup a/b.db", Request::Backup(PathBuf::from("a/b.db"))),
        ] {
            assert_eq!(read(line).unwrap().command, Command::Durable(expected), "{line}");
        }
        let sets = read("jobs --set store.url=memory:// list --set a.b=1").unwrap().common.sets;
        assert_eq!(sets, ["store.url=memory://", "a.b=1"]);
        for (line, expected) in [
            ("jobs show banana", "`banana` is no job id; one looks like 01890a5d-"),
            ("jobs retry", "<ID>..."),
            ("jobs lits", "'list'"),
            ("jobs list --state waitng", "'waiting'"),
            ("jobs list --limit 0", "0 is not in 1.."),
            ("dead redrive", "<ID|--all>"),
            (&format!("dead purge --all {a}"), "cannot be used with"),
            ("dead purge --kind mail", "--all"),
            ("store backup", "<FILE>"),
        ] {
            let error = read(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
    }

    #[cfg(feature = "log")]
    #[test]
    fn the_log_is_what_was_asked_for() {
        use crate::log::{Format, Level, Wishes};
        let wishes = |filter: Option<&str>, format, level| Wishes { filter: filter.map(Into::into), format, level };
        for (line, expected) in [
            ("", wishes(None, None, Level::Info)),
            ("list", wishes(None, None, Level::Warn)),
            ("--log debug", wishes(Some("debug"), None, Level::Info)),
            ("--log debug run --log hostkit=trace", wishes(Some("hostkit=trace"), None, Level::Info)),
            ("check --log-format json", wishes(None, Some(Format::Json), Level::Info)),
            ("graph --log-format compact", wishes(None, Some(Format::Compact), Level::Warn)),
        ] {
            assert_eq!(read(line).unwrap().logging(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_meant() {
        for (line, expected) in [
            ("lits", "'list'"),
            ("--onyl a", "'--only'"),
            ("graph --format svg", "mermaid, dot"),
            ("config", "sample"),
            ("trigger", "<NAME>"),
            ("enqueue cleanup", "--json"),
            ("--set every", "periodic.cleanup.every=5m"),
            ("run extra", "extra"),
        ] {
            let error = read(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn help_says_all_that_matters_on_lines_that_fit() {
        grammar(&PROGRAM).debug_assert();
        let help = read("--help").unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let help = help.to_string();
        let mut pages = vec![help.clone()];
        let mut commands = vec![grammar(&PROGRAM)];
        while let Some(command) = commands.pop() {
            pages.push(command.clone().render_help().to_string());
            commands.extend(command.get_subcommands().cloned());
        }
        for line in pages.iter().flat_map(|page| page.lines()) {
            assert!(line.chars().count() <= 100, "{line}");
        }
        for word in ["run", "list", "check", "graph", "trigger", "enqueue", "config", "HOSTKIT_ENV", "RUST_LOG", "143"]
        {
            assert!(help.contains(word), "{word}\n{help}");
        }
    }
}
