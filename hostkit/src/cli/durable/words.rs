//! The words of these commands.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command as Clap};

use super::change::Change;
use super::many::Letters;
use super::{Payload, Request, Wanted};
use crate::cli::list::Form;
use crate::store::{JobId, State};

/// Lists are no longer than this unless asked.
const LIMIT: &str = "50";

const RETRY: &str = "\
A job that waits is due at once. One that is done, dead, quarantined or cancelled begins anew,
with all its attempts and no crash on its record. One that runs is left alone.";

const CANCEL: &str = "\
A job that waits, and a dead letter, is cancelled at once. One that runs is asked to stop: its
token fires within a third of the lease. It may still succeed or fail for good, and is cancelled
if it does neither.";

const DISCARD: &str = "\
As `jobs cancel`, but a job that runs is left alone. What is discarded is kept for as long as
what is cancelled, and no redrive takes it.";

/// The commands, each made by `command` from its name and what it is about.
pub(in crate::cli) fn commands(command: impl Fn(&'static str, &'static str) -> Clap) -> [Clap; 3] {
    let group = |name, about| {
        let group = command(name, about).subcommand_required(true).arg_required_else_help(true);
        group.disable_help_subcommand(true)
    };
    let jobs = group("jobs", "Look at durable jobs and change what becomes of them").subcommands([
        command("list", "List jobs, the one that was enqueued last first")
            .arg(kind("Only jobs of this kind"))
            .arg(
                Arg::new("state")
                    .long("state")
                    .value_name("STATE")
                    .value_parser(PossibleValuesParser::new(State::ALL.map(State::name)))
                    .hide_possible_values(true)
                    .help("Only those that are waiting, running, done, dead, quarantined or cancelled"),
            )
            .arg(limit())
            .arg(json()),
        command("show", "Show all that is known of one job, but for its payload")
            .arg(
                Arg::new("id")
                    .value_name("ID")
                    .required(true)
                    .value_parser(id)
                    .help("The job, as `jobs list` shows it"),
            )
            .arg(
                Arg::new("payload")
                    .long("payload")
                    .action(ArgAction::SetTrue)
                    .help("Show the payload as well, which may be private"),
            )
            .arg(json()),
        command("counts", "Count jobs by kind and state").arg(json()),
        command("retry", "Make jobs due now; those that are over begin anew").after_help(RETRY).arg(ids()),
        command("cancel", "Cancel jobs: those that wait at once, those that run when they hear of it")
            .after_help(CANCEL)
            .arg(ids())
            .arg(reason("cancelled by hand")),
        command("discard", "Cancel jobs unless they run: for dead letters that nobody wants to see again")
            .after_help(DISCARD)
            .arg(ids())
            .arg(reason("discarded by hand")),
    ]);
    let letters = |name, about, all: &'static str, after: &'static str| {
        command(name, about)
            .after_help(after)
            .arg(ids().required(false))
            .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help(all))
            .arg(kind("With --all: only those of this kind").requires("all"))
            .group(ArgGroup::new("which").args(["ids", "all"]).required(true))
    };
    let dead = group("dead", "Look at dead letters: jobs that failed for good or that crashed their process")
        .subcommands([
            command("list", "List dead letters, the one that was enqueued last first")
                .arg(kind("Only those of this kind"))
                .arg(limit())
                .arg(json()),
            letters(
                "redrive",
                "Give dead letters all their attempts again",
                "All dead letters there are now",
                "The oldest go first. A job whose unique key another has by now stays a dead letter.",
            ),
            letters(
                "purge",
                "Delete dead letters for good",
                "All dead letters there are now",
                "Nothing brings them back but a backup.",
            ),
        ]);
    let store = group("store", "Look after the store of durable jobs").subcommands([
        command("check", "Look for faults in what is stored; exit code 1 if there are any").arg(json()),
        command("migrate", "Make the store if there is none, and bring an older one up to date"),
        command("backup", "Write a whole copy of the store, as of one moment, while others use it").arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .help("The copy; nothing is overwritten"),
        ),
    ]);
    [jobs, dead, store]
}

/// What the words of a command ask for; `None` for words of others.
pub(in crate::cli) fn request(path: &[&str], matches: &ArgMatches) -> Option<Request> {
    let form = || if matches.get_flag("json") { Form::Json } else { Form::Table };
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let ids = || matches.get_many::<JobId>("ids").into_iter().flatten().copied().collect();
    let limit = || matches.get_one::<u32>("limit").copied().unwrap_or(u32::MAX);
    let reason = || text("reason").unwrap_or_default();
    let change = |change| Request::Change { change, ids: ids() };
    let letters = |letters: Letters| {
        if matches.get_flag("all") { Request::All { letters, kind: text("kind") } } else { change(letters.one()) }
    };
    Some(match path {
        ["jobs", "list"] => {
            let state = text("state").and_then(|name| State::ALL.into_iter().find(|state| state.name() == name));
            let wanted = state.map_or(Wanted::All, Wanted::In);
            Request::List { wanted, kind: text("kind"), limit: limit(), form: form() }
        }
        ["jobs", "show"] => {
            let payload = if matches.get_flag("payload") { Payload::Shown } else { Payload::Hidden };
            Request::Show { id: matches.get_one::<JobId>("id").copied()?, payload, form: form() }
        }
        ["jobs", "counts"] => Request::Counts(form()),
        ["jobs", "retry"] => change(Change::Retry),
        ["jobs", "cancel"] => change(Change::Cancel { reason: reason() }),
        ["jobs", "discard"] => change(Change::Discard { reason: reason() }),
        ["dead", "list"] => Request::List { wanted: Wanted::Letters, kind: text("kind"), limit: limit(), form: form() },
        ["dead", "redrive"] => letters(Letters::Redrive),
        ["dead", "purge"] => letters(Letters::Purge),
        ["store", "check"] => Request::Check(form()),
        ["store", "migrate"] => Request::Migrate,
        ["store", "backup"] => Request::Backup(matches.get_one::<PathBuf>("file").cloned()?),
        _ => return None,
    })
}

fn id(text: &str) -> Result<JobId, String> {
    text.parse().map_err(|error: crate::store::ParseJobIdError| error.to_string())
}

fn ids() -> Arg {
    let ids = Arg::new("ids").value_name("ID").num_args(1..).required(true).value_parser(id);
    ids.help("The jobs, as `jobs list` shows them")
}

fn kind(help: &'static str) -> Arg {
    Arg::new("kind").long("kind").value_name("KIND").help(help)
}

fn limit() -> Arg {
    let limit = Arg::new("limit").long("limit").value_name("N").value_parser(clap::value_parser!(u32).range(1..));
    limit.default_value(LIMIT).help("No more than so many")
}

fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("As JSON, whose shape is kept stable")
}

fn reason(default: &'static str) -> Arg {
    Arg::new("reason").long("reason").value_name("TEXT").default_value(default).help("Why; kept with the job")
}
