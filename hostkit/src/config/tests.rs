//! What the layers become, seen from the outside: values, origins and reports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;

use super::reference::{Opt, Unset};
use super::sample::SampleValue;
use super::*;
use crate::component::Field;
use crate::time::Backoff;

/// A directory of configuration files that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(files: &[(&str, &[u8])]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let unique = format!("hostkit-config-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let scratch = Self(std::env::temp_dir().join(unique));
        fs::create_dir_all(&scratch.0).unwrap();
        for (name, content) in files {
            let path = scratch.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of a failing test in the temporary directory harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Layers as data: everything a case can set.
#[derive(Default, Clone, Copy)]
struct Layered<'a> {
    files: &'a [(&'a str, &'a str)],
    named: &'a [&'a str],
    environment: Option<&'a str>,
    variables: &'a [(&'a str, &'a str)],
    code: &'a [(&'a str, &'a str)],
    sets: &'a [&'a str],
}

impl Layered<'_> {
    fn sources(&self, directory: &Path) -> Sources {
        let text = |text: &&str| (*text).to_owned();
        Sources {
            environment: self.environment.map(ToOwned::to_owned),
            files: self.named.iter().map(PathBuf::from).collect(),
            code: self.code.iter().map(|(key, value)| (text(key), text(value))).collect(),
            sets: self.sets.iter().map(text).collect(),
            variables: self.variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            directory: directory.to_owned(),
            wiring_only: false,
            named_files_only: false,
        }
    }

    fn load(&self) -> (Configuration, Vec<Problem>) {
        let files: Vec<_> = self.files.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
        let scratch = Scratch::new(&files);
        Configuration::load(&self.sources(&scratch.0))
    }

    fn loaded(&self) -> Configuration {
        let (configuration, problems) = self.load();
        assert_eq!(problems, [], "{:#?}", report(&problems));
        configuration
    }
}

/// A file alone.
fn file(content: &str) -> Configuration {
    Layered { files: &[("hostkit.toml", content)], ..Layered::default() }.loaded()
}

/// Problems as a person reads them, one line each.
fn report(problems: &[Problem]) -> Vec<String> {
    let line = |problem: &Problem| {
        let mut line = problem.message.clone();
        for detail in &problem.details {
            line.extend([" | ", detail]);
        }
        if let Some(help) = &problem.help {
            line.extend([" | help: ", help]);
        }
        line
    };
    problems.iter().map(line).collect()
}

fn assert_report(problems: &[Problem], expected: &[&str]) {
    let report = report(problems);
    assert_eq!(report, expected, "{report:#?}");
}

fn source() -> Source {
    Source { file: "src/jobs.rs", line: 4, module: "app::jobs" }
}

const CLEANUP: &[(&str, Setting)] = &[("every", Setting::Text("1h")), ("jitter", Setting::Text("10s"))];

fn periodic(name: &'static str, options: &'static [(&'static str, Setting)]) -> Item {
    Item { attribute: "periodic", name, options, reference: "periodic", source: source() }
}

// ---- layers ----

#[test]
fn the_last_layer_that_sets_a_value_wins_and_is_named() {
    const BASE: (&str, &str) = ("hostkit.toml", "\n[periodic.cleanup]\nevery = '2h'\n");
    const PRODUCTION: (&str, &str) = ("hostkit.production.toml", "[periodic]\ncleanup = { every = '3h' }\n");
    const STAGING: (&str, &str) = ("hostkit.staging.toml", "periodic.cleanup.every = '4h'\n");
    const VARIABLE: (&str, &str) = ("HOSTKIT__PERIODIC__CLEANUP__EVERY", "5h");
    const SECRET_FILE: (&str, &str) = ("HOSTKIT_FILE__PERIODIC__CLEANUP__EVERY", "secret/every");
    const SECRET: (&str, &str) = ("secret/every", "8h\n");
    let none = Layered::default();
    let files = Layered { files: &[BASE, PRODUCTION, STAGING, SECRET], ..none };
    let cases = [
        (none, 1, "src/jobs.rs:4"),
        (Layered { files: &[BASE], ..none }, 2, "hostkit.toml:3"),
        (files, 3, "hostkit.production.toml:2"),
        (Layered { environment: Some("staging"), ..files }, 4, "hostkit.staging.toml:1"),
        (Layered { variables: &[("HOSTKIT_ENV", "staging")], ..files }, 4, "hostkit.staging.toml:1"),
        (Layered { variables: &[("HOSTKIT_ENV", "")], ..files }, 3, "hostkit.production.toml:2"),
        (
            Layered { environment: Some("production"), variables: &[("HOSTKIT_ENV", "staging")], ..files },
            3,
            "hostkit.production.toml:2",
        ),
        (Layered { environment: Some("test"), ..files }, 2, "hostkit.toml:3"),
        (Layered { variables: &[VARIABLE], ..files }, 5, "environment variable HOSTKIT__PERIODIC__CLEANUP__EVERY"),
        (
            Layered { variables: &[SECRET_FILE], ..files },
            8,
            "file secret/every (environment variable HOSTKIT_FILE__PERIODIC__CLEANUP__EVERY)",
        ),
        (Layered { variables: &[VARIABLE], code: &[("periodic.cleanup.every", "6h")], ..files }, 6, "`.set()`"),
        (
            Layered {
                variables: &[VARIABLE],
                code: &[("periodic.cleanup.every", "6h")],
                sets: &["periodic.cleanup.every=9h", "periodic.cleanup.every = 7h"],
                ..files
            },
            7,
            "--set",
        ),
    ];
    for (layers, hours, origin) in cases {
        let mut settings = layers.loaded().settings(&periodic("cleanup", CLEANUP));
        assert_eq!(settings.duration("every"), Some(Duration::from_secs(hours * 3600)), "{origin}");
        assert_eq!(settings.origin("every").map(ToString::to_string).as_deref(), Some(origin));
        // What the later layers do not mention stays.
        assert_eq!(settings.origin("jitter").map(ToString::to_string).as_deref(), Some("src/jobs.rs:4"));
        assert_eq!(settings.finish(&[]), []);
    }
}

#[test]
fn named_files_take_the_place_of_the_default_ones() {
    let files = &[
        ("hostkit.toml", "a.x = 1\na.y = 1\na.z = 1"),
        ("conf/one.toml", "a.x = 2\na.y = 2"),
        ("conf/one.production.toml", "a.y = 3"),
        ("two.conf", "a.w = 4"),
    ];
    let configuration = Layered { files, named: &["conf/one.toml", "two.conf"], ..Layered::default() }.loaded();
    let bound = configuration.bind::<BTreeMap<String, i64>>("a").unwrap().value;
    assert_eq!(bound, BTreeMap::from([("w".to_owned(), 4), ("x".to_owned(), 2), ("y".to_owned(), 3)]));
    assert_eq!(configuration.root.at("a.y").unwrap().origin.to_string(), "conf/one.production.toml:1");
}

#[test]
fn the_environment_is_production_unless_named() {
    for (environment, variables, expected) in [
        (None, [].as_slice(), "production"),
        (None, &[("HOSTKIT_ENV", "staging")], "staging"),
        (Some("test"), &[("HOSTKIT_ENV", "staging")], "test"),
    ] {
        let layers = Layered { environment, variables, ..Layered::default() };
        assert_eq!(layers.loaded().environment(), expected);
    }
}

#[test]
fn tables_are_united_and_everything_else_is_replaced() {
    let files = &[
        ("hostkit.toml", "[a]\nlist = [1, 2, 3]\nkept = 1\ntable = { x = 1, y = 1 }\nflat = 1"),
        ("hostkit.production.toml", "[a]\nlist = [4]\ntable.y = 2\nflat = { x = 1 }"),
    ];
    let configuration = Layered { files, ..Layered::default() }.loaded();
    assert_eq!(
        configuration
            .show(&[])
            .lines()
            .filter(|line| line.starts_with("a."))
            .map(|line| line.split("  ").next().unwrap())
            .collect::<Vec<_>>(),
        ["a.flat.x = 1", "a.kept = 1", "a.list = [4]", "a.table.x = 1", "a.table.y = 2"]
    );
}

#[test]
fn values_of_the_environment_are_toml_or_else_text() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Any {
        Flag(bool),
        Integer(i64),
        Float(f64),
        Text(String),
        List(Vec<i64>),
        Table(BTreeMap<String, i64>),
    }
    for (value, expected) in [
        ("5", Any::Integer(5)),
        ("-1_000", Any::Integer(-1000)),
        ("0x1F", Any::Integer(31)),
        ("1.5", Any::Float(1.5)),
        ("true", Any::Flag(true)),
        ("yes", Any::Text("yes".to_owned())),
        ("5m", Any::Text("5m".to_owned())),
        ("'5'", Any::Text("5".to_owned())),
        ("", Any::Text(String::new())),
        ("[1, 2]", Any::List(vec![1, 2])),
        ("[1, 2", Any::Text("[1, 2".to_owned())),
        ("{ x = 1 }", Any::Table(BTreeMap::from([("x".to_owned(), 1)]))),
        ("a = 1", Any::Text("a = 1".to_owned())),
        ("1\n2", Any::Text("1\n2".to_owned())),
        ("postgres://a:b@c/d", Any::Text("postgres://a:b@c/d".to_owned())),
    ] {
        let variables = &[("HOSTKIT__A__B", value)];
        let configuration = Layered { variables, ..Layered::default() }.loaded();
        let mut bound = configuration.bind::<BTreeMap<String, Any>>("a").unwrap().value;
        assert_eq!(bound.remove("b"), Some(expected), "{value}");
    }
}

#[test]
fn a_text_from_outside_stays_as_it_was_written() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Options {
        password: Secret<String>,
        version: String,
        code: Option<String>,
        port: u16,
    }
    let layers = Layered {
        files: &[("pw", "\"quoted\"\r\n")],
        variables: &[
            ("HOSTKIT_FILE__A__PASSWORD", "pw"),
            ("HOSTKIT__A__VERSION", "1.10"),
            ("HOSTKIT__A__CODE", "0x10"),
            ("HOSTKIT__A__PORT", "80"),
        ],
        ..Layered::default()
    };
    let options = layers.loaded().bind::<Options>("a").unwrap().value;
    let expected = Options {
        password: Secret::new("\"quoted\"".to_owned()),
        version: "1.10".to_owned(),
        code: Some("0x10".to_owned()),
        port: 80,
    };
    assert_eq!(options, expected);
}

#[test]
fn the_environment_ignores_case_and_takes_hyphens_for_underscores() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Kebab {
        pool_size: u8,
        max_idle: u8,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Camel {
        pool: u8,
    }
    let layers = Layered {
        files: &[(
            "hostkit.toml",
            "[mail-server]\npool-size = 1\n[periodic.my-job]\nevery = '1s'\nrun-at-start = false\n",
        )],
        variables: &[
            ("HOSTKIT__MAIL_SERVER__POOL_SIZE", "2"),
            ("hostkit__Mail_Server__Max_Idle", "3"),
            ("HOSTKIT__CAMEL__POOL", "4"),
            ("HOSTKIT__PERIODIC__MY_JOB__RUN_AT_START", "true"),
            ("HOSTKIT__QUEUED__OTHER_JOB__CAPACITY", "5"),
        ],
        ..Layered::default()
    };
    let configuration = layers.loaded();
    assert_eq!(configuration.bind::<Kebab>("mail-server").unwrap().value, Kebab { pool_size: 2, max_idle: 3 });
    assert_eq!(configuration.bind::<Camel>("camel").unwrap().value, Camel { pool: 4 });
    for name in ["my-job", "my_job"] {
        let mut settings = configuration.settings(&periodic(name, &[]));
        assert_eq!(settings.flag("run_at_start"), Some(true));
        assert_eq!(settings.period("every"), Some(Duration::from_secs(1)));
        assert_eq!(settings.finish(&[]), []);
    }
    let queued = Item { attribute: "queued", name: "other-job", options: &[], reference: "queued", source: source() };
    assert_eq!(configuration.settings(&queued).count("capacity", 1..=10), Some(5));
}

#[test]
fn hyphens_and_underscores_meet_across_layers() {
    let layers = Layered {
        files: &[
            ("hostkit.toml", "[on-start.my-job]\nstop-timeout = '1s'"),
            ("hostkit.production.toml", "[on_start.my_job]\nstop_timeout = '2s'"),
        ],
        variables: &[("HOSTKIT__USER_SECTION__SOME_KEY", "1")],
        sets: &["user-section.some-key=2"],
        ..Layered::default()
    };
    let configuration = layers.loaded();
    let item = Item { attribute: "on_start", name: "my-job", options: &[], reference: "on_start", source: source() };
    assert_eq!(configuration.settings(&item).duration("stop_timeout"), Some(Duration::from_secs(2)));
    let keys = configuration.bind::<BTreeMap<String, u8>>("user-section").unwrap().value;
    assert_eq!(keys, BTreeMap::from([("some-key".to_owned(), 2)]));
}

#[test]
fn foreign_variables_are_ignored() {
    let variables = &[
        ("PATH", "/bin"),
        ("HOSTKIT_SERVICE_HOST", "10.0.0.1"),
        ("HOSTKIT_WEB_SERVICE_PORT", "80"),
        ("HOSTKIT_WEB_SERVICE_PORT_HTTP", "80"),
        ("HOSTKIT_WEB_PORT", "tcp://10.0.0.1:80"),
        ("HOSTKIT_WEB_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("HOSTKIT_WEB_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("MYHOSTKIT__A__B", "x"),
        ("Ünïcode", "x"),
    ];
    let configuration = Layered { variables, ..Layered::default() }.loaded();
    assert_eq!(configuration.root, Table::default());
    let unread = configuration.unread(NOTHING);
    assert_report(&[unread.problems, unread.warnings].concat(), &[]);
}

// ---- malformed input ----

#[test]
fn every_malformed_source_is_reported_with_its_place() {
    let none = Layered::default();
    let toml = |content: &'static str| -> &'static [(&'static str, &'static str)] {
        Box::leak(Box::new([("hostkit.toml", content)]))
    };
    let cases = [
        (
            Layered { files: toml("[a]\nb = 1\nc = = 2\n"), ..none },
            "`hostkit.toml` is not valid TOML: extra `=`, expected nothing | hostkit.toml:3:5",
        ),
        (
            Layered { files: toml("[a]\nb = 1\nb = 2\n"), ..none },
            "`hostkit.toml` is not valid TOML: duplicate key | hostkit.toml:3:1",
        ),
        (
            Layered { files: &[("hostkit.toml/inner", "")], ..none },
            "configuration file `hostkit.toml` is a directory, not a file",
        ),
        (
            Layered { named: &["other.toml"], ..none },
            "configuration file `other.toml` does not exist | help: only a file that is named has to exist: name another, or create it",
        ),
        (
            Layered { environment: Some("../prod"), ..none },
            "`../prod` is not a name for an environment | given to the host | help: write letters, digits, `-` and `_`, such as `production`",
        ),
        (
            Layered { variables: &[("HOSTKIT_ENV", "a b")], ..none },
            "`a b` is not a name for an environment | set by environment variable HOSTKIT_ENV | help: write letters, digits, `-` and `_`, such as `production`",
        ),
        (
            Layered { variables: &[("HOSTKIT__A____B", "1")], ..none },
            "environment variable HOSTKIT__A____B has an empty part | help: name a section and a key, such as HOSTKIT__DATABASE__URL",
        ),
        (
            Layered { variables: &[("HOSTKIT__", "1")], ..none },
            "environment variable HOSTKIT__ has an empty part | help: name a section and a key, such as HOSTKIT__DATABASE__URL",
        ),
        (
            Layered { variables: &[("HOSTKIT__A__B", "1"), ("HOSTKIT_FILE__A__B", "b")], files: &[("b", "2")], ..none },
            "`a.b` is set by two environment variables | read from file b (environment variable HOSTKIT_FILE__A__B) \
             | set by environment variable HOSTKIT__A__B | help: keep one of them",
        ),
        (
            Layered { variables: &[("HOSTKIT__A__B", "1"), ("hostkit__a__b", "2")], ..none },
            "`a.b` is set by two environment variables | set by environment variable HOSTKIT__A__B \
             | set by environment variable hostkit__a__b | help: keep one of them",
        ),
        (
            Layered { variables: &[("HOSTKIT_FILE__A__B", "missing")], ..none },
            "the file `missing` that environment variable HOSTKIT_FILE__A__B names does not exist",
        ),
        (
            Layered { variables: &[("HOSTKIT_FILE__A__B", "")], ..none },
            "the file `` that environment variable HOSTKIT_FILE__A__B names does not exist",
        ),
        (
            Layered { sets: &["cleanup"], ..none },
            "`--set cleanup` has no `=` | help: write a key and a value, such as --set periodic.cleanup.every=5m",
        ),
        (
            Layered { sets: &["a..b=1"], ..none },
            "the key `a..b` has an empty part | set by --set | help: write the section and the key with dots between, such as periodic.cleanup.every",
        ),
        (
            Layered { code: &[("", "1")], ..none },
            "the key `` has an empty part | set by `.set()` | help: write the section and the key with dots between, such as periodic.cleanup.every",
        ),
        (
            Layered { files: toml("[host]\nstop-timeout = '1s'\nstop_timeout = '2s'"), ..none },
            "`host.stop_timeout` is set twice, with `-` and with `_` | set at hostkit.toml:2 | set at hostkit.toml:3 | help: keep one of them",
        ),
        (
            Layered { files: toml("host = 5"), ..none },
            "`host` is an integer, not a section | set at hostkit.toml:1 | help: write a section [host]",
        ),
        (
            Layered { files: toml("[periodic]\nevery = '5m'"), ..none },
            "`periodic.every` is a text, not a section | set at hostkit.toml:2 | help: options stand in the section of one item: [periodic.<name>]",
        ),
        (
            Layered { files: toml("a = 999999999999999999999999999999999999999999"), ..none },
            "`a` is an integer too large for anything | hostkit.toml:1:1",
        ),
    ];
    for (layers, expected) in cases {
        assert_report(&layers.load().1, &[expected]);
    }
}

#[test]
fn a_file_that_is_no_text_is_reported_with_its_place() {
    let scratch = Scratch::new(&[("hostkit.toml", b"[a]\nb = '\xff'\n"), ("bom.toml", b"\xef\xbb\xbf[a]\nb = 1\n")]);
    let (_, problems) = Configuration::load(&Layered::default().sources(&scratch.0));
    assert_report(&problems, &["configuration file `hostkit.toml` is not UTF-8 text | hostkit.toml:2:6"]);
    let marked = Layered { named: &["bom.toml"], ..Layered::default() };
    let (configuration, problems) = Configuration::load(&marked.sources(&scratch.0));
    assert_report(&problems, &[]);
    assert_eq!(configuration.root.at("a.b").unwrap().origin.to_string(), "bom.toml:2");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_reported() {
    // A link to itself cannot be read by root either, under whom permissions would not matter.
    let scratch = Scratch::new(&[]);
    std::os::unix::fs::symlink("hostkit.toml", scratch.0.join("hostkit.toml")).unwrap();
    let (_, problems) = Configuration::load(&Layered::default().sources(&scratch.0));
    let report = report(&problems);
    assert!(
        report.len() == 1 && report[0].starts_with("configuration file `hostkit.toml` cannot be read: "),
        "{report:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_without_an_end_is_refused() {
    let variables = &[("HOSTKIT_FILE__A__B", "/dev/zero")];
    let (_, problems) = Layered { variables, ..Layered::default() }.load();
    assert_report(
        &problems,
        &["the file `/dev/zero` that environment variable HOSTKIT_FILE__A__B names is larger than 16 MiB"],
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_reported() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let odd = OsStr::from_bytes(b"\xff").to_owned();
    let variables = vec![
        ("HOSTKIT__A__B".into(), odd.clone()),
        (odd.clone(), "x".into()),
        ("OTHER".into(), odd.clone()),
        ("HOSTKIT_ENV".into(), odd),
    ];
    let (_, problems) =
        Configuration::load(&Sources { variables, ..Layered::default().sources(Path::new("/nonexistent")) });
    assert_report(
        &problems,
        &[
            "`\u{fffd}` is not a name for an environment | set by environment variable HOSTKIT_ENV \
             | help: write letters, digits, `-` and `_`, such as `production`",
            "the value of environment variable HOSTKIT__A__B is not UTF-8",
        ],
    );
}

#[test]
fn all_problems_are_reported_at_once_and_the_rest_is_read() {
    let layers = Layered {
        files: &[
            ("hostkit.toml", "[a]\nx = \ny = 5 5\ngood = 1\n[b]\nz = oops\ngood = 2\n"),
            ("hostkit.production.toml", "x = ["),
        ],
        variables: &[("HOSTKIT__A____B", "1"), ("HOSTKIT__A__LATER", "3")],
        sets: &["nothing"],
        ..Layered::default()
    };
    let (configuration, problems) = layers.load();
    let places: Vec<_> =
        problems.iter().map(|problem| problem.details.first().unwrap_or(&problem.message).as_str()).collect();
    assert_eq!(
        places,
        [
            "hostkit.toml:2:5",
            "hostkit.toml:3:5",
            "hostkit.toml:6:5",
            "hostkit.production.toml:1:6",
            "environment variable HOSTKIT__A____B has an empty part",
            "`--set nothing` has no `=`"
        ]
    );
    for (path, found) in
        [("a.good", true), ("b.good", true), ("a.later", true), ("a.x", false), ("a.y", false), ("b.z", false)]
    {
        assert_eq!(configuration.root.at(path).is_some(), found, "{path}");
    }
}

// ---- users' sections ----

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the cases are about what cannot be bound")]
struct Database {
    url: String,
    #[serde(default)]
    pool: Option<Pool>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    replicas: Vec<Pool>,
    #[serde(default)]
    pin: Option<Secret<u32>>,
    #[serde(default)]
    address: Option<std::net::IpAddr>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "the cases are about what cannot be bound")]
struct Pool {
    max: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Fast,
    Careful,
}

#[test]
fn a_section_that_cannot_be_bound_says_which_value_and_where_it_stands() {
    let missing = |path: &str, variable: &str| {
        format!(
            "help: set `url` in section [{path}] of hostkit.toml, environment variable {variable}, or --set {path}.url=<value>"
        )
    };
    let cases = [
        ("", format!("section [database] has no `url` | {}", missing("database", "HOSTKIT__DATABASE__URL"))),
        (
            "[database]",
            format!("section [database] has no `url` | the section begins at hostkit.toml:1 | {}", missing("database", "HOSTKIT__DATABASE__URL")),
        ),
        (
            "[database]\nulr = 'x'",
            "section [database] has no `url` | the section begins at hostkit.toml:1 | `ulr` is set at hostkit.toml:2 \
             | help: did you mean `url`?".to_owned(),
        ),
        ("database = 5", "`database` is an integer, not a section | set at hostkit.toml:1 | help: write a section [database]".to_owned()),
        (
            "[database]\nurl = 5",
            "`url` of section [database] is integer `5`, expected a string | set at hostkit.toml:2".to_owned(),
        ),
        (
            "[database]\nurl = ''\npool = { max = 70000 }",
            "`pool.max` of section [database] is integer `70000`, expected u16 | set at hostkit.toml:3".to_owned(),
        ),
        (
            "[database]\nurl = ''\n[database.pool]\nmax = 'a'",
            "`pool.max` of section [database] is string \"a\", expected u16 | set at hostkit.toml:4".to_owned(),
        ),
        (
            "[database]\nurl = ''\nmode = 'carefull'",
            "`mode` of section [database] is none of \"fast\", \"careful\": `carefull` | set at hostkit.toml:3 | help: did you mean \"careful\"?".to_owned(),
        ),
        (
            "[database]\nurl = ''\n[[database.replicas]]\nmax = 1\n[[database.replicas]]\n",
            "section [database.replicas[1]] has no `max` | the section begins at hostkit.toml:5".to_owned(),
        ),
        (
            "[database]\nurl = ''\naddress = 'here'",
            "`address` of section [database] is refused: `here` | set at hostkit.toml:3 | invalid IP address syntax".to_owned(),
        ),
        (
            "[database]\nurl = ''\npin = 'hunter2'",
            "`pin` of section [database] is a text, expected u32 | set at hostkit.toml:3".to_owned(),
        ),
        (
            "[database]\nurl = ''\npool = 'nats://u:hunter2@host'",
            "`pool` of section [database] is string \"nats://u:***@host\", expected struct Pool | set at hostkit.toml:3".to_owned(),
        ),
    ];
    for (content, expected) in cases {
        let problems = file(content).bind::<Database>("database").unwrap_err();
        assert_report(&problems, &[expected.as_str()]);
    }
}

#[test]
fn a_dotted_section_is_bound_and_named() {
    let configuration = file("[app.database]\nmax = 5\n[app.other]\n");
    assert_eq!(configuration.bind::<BTreeMap<String, u8>>("app.database").unwrap().value["max"], 5);
    let problems = configuration.bind::<Pool>("app.other").unwrap_err();
    assert_eq!(problems[0].message, "section [app.other] has no `max`");
    assert!(problems[0].help.as_ref().unwrap().contains("HOSTKIT__APP__OTHER__MAX"), "{problems:?}");
}

#[test]
fn the_origin_of_a_faulty_value_is_the_layer_that_set_it() {
    let layers = Layered {
        files: &[("hostkit.toml", "[p]\nmax = 5")],
        variables: &[("HOSTKIT__P__MAX", "many")],
        ..Layered::default()
    };
    let problems = layers.loaded().bind::<Pool>("p").unwrap_err();
    assert_report(
        &problems,
        &["`max` of section [p] is string \"many\", expected u16 | set by environment variable HOSTKIT__P__MAX"],
    );
}

#[test]
fn what_a_broken_file_may_hold_is_not_called_missing() {
    let files = &[("hostkit.toml", "[database]\nurl = oops\n")];
    let (configuration, problems) = Layered { files, ..Layered::default() }.load();
    assert_eq!(problems.len(), 1);
    assert_eq!(configuration.bind::<Database>("database").unwrap_err(), []);
}

#[test]
fn unknown_keys_are_warnings_and_with_strict_errors() {
    let content = "[p]\nmax = 1\nmaxx = 2\n\n[p.inner]\nx = 1\n[p.declared]\ny = 1\n";
    let expected = [
        "section [p] has no option `inner` | set at hostkit.toml:5 | help: known keys: `max`",
        "section [p] has no option `maxx` | set at hostkit.toml:3 | help: did you mean `max`?",
    ];
    let mut configuration = file(content);
    assert_report(&configuration.declare(&["p", "p.declared"]), &[]);
    assert_report(&configuration.bind::<Pool>("p").unwrap().warnings, &expected);
    let mut strict = file(&format!("host.strict = true\n{content}"));
    strict.declare(&["p", "p.declared"]);
    let shifted = expected.map(|line| line.replace("toml:5", "toml:6").replace("toml:3", "toml:4"));
    assert_report(&strict.bind::<Pool>("p").unwrap_err(), &shifted.each_ref().map(String::as_str));
}

#[test]
fn a_struct_that_denies_unknown_fields_is_answered_alike() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is never bound")]
    struct Closed {
        port: u16,
    }
    let problems = file("[c]\nprot = 5").bind::<Closed>("c").unwrap_err();
    assert_report(
        &problems,
        &["section [c] has no option `prot` | set at hostkit.toml:2 | help: did you mean `port`?"],
    );
}

#[test]
fn the_shapes_of_serde_are_understood() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct All {
        unit: Choice,
        newtype: Choice,
        tuple: Choice,
        fields: Choice,
        at: toml::value::Datetime,
        ports: BTreeMap<u16, Wrapper>,
        pair: (u8, String),
        big: u64,
        ratio: f32,
        letter: char,
        #[serde(alias = "older")]
        old: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Choice {
        Unit,
        New(u8),
        Tuple(u8, u8),
        Fields { a: u8 },
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapper(String);

    let configuration = file(
        "[all]\nunit = 'unit'\nnewtype = { new = 1 }\ntuple = { tuple = [1, 2] }\nfields = { fields = { a = 1 } }\n\
         at = 2026-01-02T03:04:05Z\nports = { 80 = 'http' }\npair = [1, 'x']\nbig = 18446744073709551615\nratio = 1\nletter = 'ä'\nolder = 3\nmore = 4\n",
    );
    // Buffered by `flatten`, the map's keys stay texts: serde's own limit.
    let all = configuration.bind::<All>("all").map(|bound| bound.value);
    let all = all.unwrap_or_else(|problems| panic!("{:?}", report(&problems)));
    assert_eq!(
        (all.unit, all.newtype, all.tuple, all.fields),
        (Choice::Unit, Choice::New(1), Choice::Tuple(1, 2), Choice::Fields { a: 1 })
    );
    assert_eq!(
        (all.at.to_string(), all.big, all.letter, all.old),
        ("2026-01-02T03:04:05Z".to_owned(), u64::MAX, 'ä', 3)
    );
    assert_eq!((all.ports, all.pair), (BTreeMap::from([(80, Wrapper("http".to_owned()))]), (1, "x".to_owned())));
    assert_eq!(all.rest, BTreeMap::from([("more".to_owned(), 4)]));
}

#[test]
fn durations_are_written_as_in_the_sections_of_hostkit() {
    #[derive(Debug, Deserialize)]
    struct Waits {
        poll: Duration,
        #[serde(default)]
        limit: Option<Duration>,
    }
    let waits = |content| file(content).bind::<Waits>("w").map(|bound| (bound.value.poll, bound.value.limit));
    assert_eq!(waits("[w]\npoll = '1h 30m'").unwrap(), (Duration::from_mins(90), None));
    assert_eq!(waits("[w]\npoll = '0s'\nlimit = '250ms'").unwrap(), (Duration::ZERO, Some(Duration::from_millis(250))));
    assert_eq!(waits("[w]\npoll = { secs = 1, nanos = 5 }").unwrap().0, Duration::new(1, 5));
    for (content, expected) in [
        (
            "[w]\npoll = 5",
            "`poll` of section [w] is not a duration: `5` | set at hostkit.toml:2 | help: write a duration such as \"5m\" or \"1h 30m\"",
        ),
        (
            "[w]\npoll = '5'",
            "`poll` of section [w] is not a duration: `5` | set at hostkit.toml:2 | the unit is missing, as in 5s or 5ms | help: write a duration such as \"5m\" or \"1h 30m\"",
        ),
    ] {
        assert_report(&waits(content).unwrap_err(), &[expected]);
    }
}

#[test]
fn sections_of_hostkit_cannot_be_taken() {
    let mut configuration = file("");
    let expected = [
        "section [host] is hostkit's own | help: give the options another section",
        "section [store] is hostkit's own | help: give the options another section",
        "section [On-Start.x] is hostkit's own | help: give the options another section",
    ];
    assert_report(&configuration.declare(&["host", "database", "store", "On-Start.x"]), &expected);
}

#[test]
fn sections_that_nobody_reads_are_warnings() {
    let mut configuration = file(
        "lone = 1\n[databse]\nurl = ''\n[app.inner]\nx = 1\n[app.banana]\nx = 1\n[periodc.cleanup]\nevery = '1s'\n",
    );
    configuration.declare(&["database", "app.inner"]);
    let expected = [
        "nothing reads section [app.banana] | set at hostkit.toml:6",
        "nothing reads section [databse] | set at hostkit.toml:2 | help: did you mean [database]?",
        "nothing reads `lone` | set at hostkit.toml:1",
        "nothing reads section [periodc] | set at hostkit.toml:8 | help: did you mean [periodic]?",
    ];
    let unread = configuration.unread(NOTHING);
    assert_report(&unread.problems, &[]);
    assert_report(&unread.warnings, &expected);
}

#[test]
fn sections_that_nobody_reads_are_errors_with_strict_and_services_are_not() {
    let mut configuration = file("host.strict = true\n[databse]\nurl = ''\n[periodic.gone]\nevery = '1s'\n");
    configuration.declare(&["database"]);
    let unread = configuration.unread(NOTHING);
    assert_report(
        &unread.problems,
        &["nothing reads section [databse] | set at hostkit.toml:2 | help: did you mean [database]?"],
    );
    assert_report(
        &unread.warnings,
        &[
            "nothing reads section [periodic.gone]: this program has no periodic function `gone` | set at hostkit.toml:4 \
           | help: `list` shows the services of this program",
        ],
    );
}

#[test]
fn what_the_code_or_the_command_line_sets_for_nobody_is_an_error() {
    let layers = Layered {
        files: &[("hostkit.toml", "[queued.shp]\ncapacity = 5\n[periodic.gone]\nevery = '1s'\n")],
        code: &[("queud.ship.attempts", "2"), ("lone", "1")],
        sets: &["queued.shp.attempts=2", "webb.listen=x"],
        ..Layered::default()
    };
    let mut configuration = layers.loaded();
    configuration.declare(&["web"]);
    let unread = configuration.unread(Known { items: &[("queued", "ship")], sections: WEB });
    let expected = [
        "nothing reads section [queued.shp]: this program has no queued function `shp` | set by --set | help: did you mean [queued.ship]?",
        "nothing reads `lone` | set by `.set()`",
        "nothing reads section [queud] | set by `.set()` | help: did you mean [queued]?",
        "nothing reads section [webb] | set by --set | help: did you mean [web]?",
    ];
    assert_report(&unread.problems, &expected);
    assert_eq!(unread.warnings.len(), 1, "{:?}", unread.warnings);
}

const NOTHING: Known<'_> = Known { items: &[], sections: &[] };

const WEB: &[(&str, &[Field])] = &[("web", &[Field { name: "listen", description: "", optional: false }])];

#[test]
fn a_variable_that_nobody_reads_names_the_one_that_was_meant() {
    let known = Known { items: &[("periodic", "nightly")], sections: WEB };
    let generic = "hostkit reads HOSTKIT_ENV, HOSTKIT__SECTION__KEY and HOSTKIT_FILE__SECTION__KEY";
    let meant = |variable: &str| format!("did you mean {variable}?");
    for (name, help) in [
        ("HOSTKIT_PERIODIC_NIGHTLY_EVERY", meant("HOSTKIT__PERIODIC__NIGHTLY__EVERY")),
        ("hostkit_periodic_nightly_evry", meant("HOSTKIT__PERIODIC__NIGHTLY__EVERY")),
        ("HOSTKIT_WEB_LISTEN", meant("HOSTKIT__WEB__LISTEN")),
        ("HostKit_Web_Listen", meant("HOSTKIT__WEB__LISTEN")),
        ("HOSTKIT_FILE_WEB_LISTEN", meant("HOSTKIT_FILE__WEB__LISTEN")),
        ("HOSTKIT_HOST_STOP_TIMEOUT", meant("HOSTKIT__HOST__STOP_TIMEOUT")),
        ("HOSTKIT_ENVIRONMENT", meant("HOSTKIT_ENV")),
        ("HOSTKIT_LOG", meant("RUST_LOG")),
        ("HOSTKIT_CONFIG", "`--config FILE` names a configuration file, no variable does".to_owned()),
        ("HOSTKIT_BANANA", generic.to_owned()),
        ("HOSTKIT", generic.to_owned()),
    ] {
        let unread = Layered { variables: &[(name, "x")], ..Layered::default() }.loaded().unread(known);
        assert_report(&unread.problems, &[]);
        assert_report(&unread.warnings, &[&format!("nothing reads environment variable {name} | help: {help}")]);
    }
    // Nobody else writes two underscores in a row.
    for (name, variable) in [
        ("HOSTKIT_WEB__LISTEN", "HOSTKIT__WEB__LISTEN"),
        ("HOSTKIT_FILES__WEB__LISTEN", "HOSTKIT_FILE__WEB__LISTEN"),
        ("HOSTKIT_FILE_WEB__LISTEN", "HOSTKIT_FILE__WEB__LISTEN"),
        ("HOSTKIT_A__B", "HOSTKIT__A__B"),
        ("HOSTKIT_FILE_A__B", "HOSTKIT_FILE__A__B"),
        ("HOSTKIT_FILES__A__B", "HOSTKIT_FILE__A__B"),
    ] {
        let unread = Layered { variables: &[(name, "x")], ..Layered::default() }.loaded().unread(known);
        assert_report(
            &unread.problems,
            &[&format!("nothing reads environment variable {name} | help: did you mean {variable}?")],
        );
        assert_report(&unread.warnings, &[]);
    }
    // It has the form of a value, and no place.
    let secret = &[("hostkit.toml", "[a]\n"), ("listen", "x")];
    for (name, value, what, variable) in [
        ("HOSTKIT__WEB_LISTEN", "x", "`web_listen`", "HOSTKIT__WEB__LISTEN"),
        ("HOSTKIT__ENV", "dev", "`env`", "HOSTKIT_ENV"),
        ("HOSTKIT__PERIODC__NIGHTLY__EVERY", "5m", "section [periodc]", "HOSTKIT__PERIODIC__NIGHTLY__EVERY"),
        ("HOSTKIT_FILE__WEB_LISTEN", "listen", "`web_listen`", "HOSTKIT_FILE__WEB__LISTEN"),
    ] {
        let layers = Layered { variables: &[(name, value)], files: secret, ..Layered::default() };
        let mut configuration = layers.loaded();
        configuration.declare(&["web", "a"]);
        let warnings = report(&configuration.unread(known).warnings);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(&format!("nothing reads {what} | ")), "{warnings:?}");
        assert!(warnings[0].ends_with(&format!("help: did you mean {variable}?")), "{warnings:?}");
    }
}

#[test]
fn an_environment_without_a_file_beside_one_of_nearly_its_name_is_a_warning() {
    let files = &[("hostkit.toml", ""), ("hostkit.production.toml", ""), ("app.staging.conf", ""), ("app.conf", "")];
    let named = Layered { files, named: &["app.conf"], ..Layered::default() };
    let chosen = |environment| Layered { files, environment: Some(environment), ..Layered::default() };
    let lacks = |environment: &str| format!("environment `{environment}` has no configuration file of its own");
    for (layers, expected) in [
        (Layered { files, ..Layered::default() }, None),
        (chosen("production"), None),
        (chosen("test"), None),
        (
            chosen("prodution"),
            Some(
                lacks("prodution")
                    + " | `hostkit.prodution.toml` does not exist, and `hostkit.production.toml` does \
                                       | help: did you mean environment `production`?",
            ),
        ),
        (
            Layered { environment: Some("stagin"), ..named },
            Some(
                lacks("stagin")
                    + " | `app.stagin.conf` does not exist, and `app.staging.conf` does \
                                    | help: did you mean environment `staging`?",
            ),
        ),
        (
            Layered { files: &[("hostkit.prodction.toml", "")], ..Layered::default() },
            Some(
                lacks("production")
                    + " | `hostkit.production.toml` does not exist, and `hostkit.prodction.toml` does \
                                        | help: rename the file, or name environment `prodction` with HOSTKIT_ENV or --env",
            ),
        ),
    ] {
        let unread = layers.loaded().unread(NOTHING);
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        assert_report(&unread.warnings, &expected);
    }
}

// ---- hostkit's sections ----

#[test]
fn sections_of_services_that_are_not_there_are_warnings() {
    let configuration = file("[periodic.clean-up]\n[periodic.process]\n[queued.my-job]\n[on_start.banana]\n");
    let known = [("periodic", "cleanup"), ("queued", "process"), ("queued", "my_job")];
    let expected = [
        "nothing reads section [periodic.clean_up]: this program has no periodic function `clean_up` | set at hostkit.toml:1 | help: did you mean [periodic.cleanup]?",
        "nothing reads section [periodic.process]: this program has no periodic function `process` | set at hostkit.toml:2 | help: `process` is a queued function: write [queued.process]",
        "nothing reads section [on_start.banana]: this program has no hook of the start `banana` | set at hostkit.toml:4 | help: `list` shows the services of this program",
    ];
    let unread = configuration.unread(Known { items: &known, ..NOTHING });
    assert_report(&unread.problems, &[]);
    assert_report(&unread.warnings, &expected);
}

#[test]
fn options_are_read_by_kind() {
    let content = "[periodic.x]\nduration = '1h 30m'\nbackoff = '1s..1m'\nchoice = 'stop-host'\ncount = 5\nflag = true\ntext = 'Europe/Berlin'\n";
    let mut settings = file(content).settings(&periodic("x", &[("attribute", Setting::Integer(7))]));
    assert_eq!(settings.duration("duration"), Some(Duration::from_mins(90)));
    assert_eq!(settings.backoff("backoff"), Some(Backoff::default()));
    assert_eq!(settings.choice("choice", &[("continue", 1), ("stop-host", 2)]), Some(2));
    assert_eq!(settings.count("count", 1..=usize::MAX), Some(5));
    assert_eq!(settings.count("attribute", 1..=10), Some(7));
    assert_eq!(settings.flag("flag"), Some(true));
    assert_eq!(settings.text("text").as_deref(), Some("Europe/Berlin"));
    assert_eq!(settings.duration("unset"), None);
    assert_eq!(settings.finish(&[]), []);
}

#[test]
fn all_faults_of_an_item_are_listed() {
    let content = "\n[periodic.x]\nduration = '5 bananas'\nperiod = '0s'\nbackoff = 5\nchoice = 'stop_hst'\nother = 'banana'\ncount = 0\nmany = 99\nwords = '5'\n\
                   flag = 'true'\ntext = 5\nevrey = '1s'\nafter = ['y']\ncron = '* *'\n";
    let mut settings = file(content).settings(&periodic("x", &[]));
    settings.duration("duration");
    settings.period("period");
    settings.backoff("backoff");
    settings.choice("choice", &[("continue", 1), ("stop-host", 2)]);
    settings.choice("other", &[("once", 1), ("skip", 2), ("all", 3)]);
    settings.count("count", 1..=usize::MAX);
    settings.count("many", 1..=9);
    settings.count("words", 1..=9);
    settings.flag("flag");
    settings.text("text");
    settings.refuse("cron", "is not a cron expression", "write five fields");
    let expected = [
        "`after` of periodic `x` cannot be configured | set at hostkit.toml:14 | help: it belongs to the attribute in the source code",
        "`duration` of periodic `x` is not a duration: `5 bananas` | set at hostkit.toml:3 | `bananas` is no unit: there are ms, s, m, h, days, weeks and more | help: write a duration such as \"5m\" or \"1h 30m\"",
        "`period` of periodic `x` is zero: `0s` | set at hostkit.toml:4 | help: write a duration such as \"5m\" or \"1h 30m\"",
        "`backoff` of periodic `x` is not a backoff: `5` | set at hostkit.toml:5 | help: write a range such as \"1s..1m\", or one duration",
        "`choice` of periodic `x` is not \"continue\" or \"stop-host\": `stop_hst` | set at hostkit.toml:6 | help: did you mean \"stop-host\"?",
        "`other` of periodic `x` is not \"once\", \"skip\" or \"all\": `banana` | set at hostkit.toml:7 | help: write \"once\", \"skip\" or \"all\"",
        "`count` of periodic `x` is less than 1: `0` | set at hostkit.toml:8 | help: write a number from 1",
        "`many` of periodic `x` is not between 1 and 9: `99` | set at hostkit.toml:9 | help: write a number from 1 to 9",
        "`words` of periodic `x` is not a whole number: `5` | set at hostkit.toml:10 | help: write a number without quotes, such as 1",
        "`flag` of periodic `x` is not true or false: `true` | set at hostkit.toml:11 | help: write true or false, without quotes",
        "`text` of periodic `x` is not a text: `5` | set at hostkit.toml:12 | help: write it in quotes",
        "`cron` of periodic `x` is not a cron expression: `* *` | set at hostkit.toml:15 | help: write five fields",
        "periodic `x` has no option `evrey` | set at hostkit.toml:13 | help: did you mean `every`?",
    ];
    assert_report(&settings.finish(&["every", "cron"]), &expected);
}

#[test]
fn a_configured_schedule_replaces_the_one_of_the_attribute() {
    const CRON: &[(&str, Setting)] = &[("cron", Setting::Text("0 3 * * *"))];
    let cron_in_file = &[("hostkit.toml", "periodic.x.cron = '0 4 * * *'")];
    let every_in_environment = &[("HOSTKIT__PERIODIC__X__EVERY", "2h")];
    let none = Layered::default();
    for (layers, options, expected) in [
        (none, CLEANUP, "every"),
        (none, CRON, "cron"),
        (Layered { files: cron_in_file, ..none }, CLEANUP, "cron"),
        (Layered { variables: every_in_environment, ..none }, CRON, "every"),
        (Layered { files: cron_in_file, variables: every_in_environment, ..none }, CLEANUP, "every"),
    ] {
        let mut settings = layers.loaded().settings(&periodic("x", options));
        assert_eq!(settings.one_of(&["every", "cron"]), Some(expected));
        let other = if expected == "every" { "cron" } else { "every" };
        assert!(settings.text(expected).is_some() && settings.text(other).is_none(), "{expected}");
        assert_eq!(settings.finish(&["jitter"]), []);
    }
    let mut both = file("[periodic.x]\nevery = '1s'\ncron = '* * * * *'").settings(&periodic("x", CLEANUP));
    assert_eq!(both.one_of(&["every", "cron"]), Some("every"));
    assert_report(
        &both.finish(&["jitter"]),
        &[
            "periodic `x` has both `every` and `cron` | `every` set at hostkit.toml:2 | `cron` set at hostkit.toml:3 | help: keep one of them",
        ],
    );
    assert_eq!(none.loaded().settings(&periodic("x", &[])).one_of(&["every", "cron"]), None);
}

#[test]
fn the_host_has_its_own_section() {
    assert_eq!(file("").host_options(), (HostOptions::default(), Vec::new()));
    let mut options = HostOptions {
        stop_timeout: Duration::from_secs(40),
        drain_delay: Duration::from_secs(5),
        stall_after: Some(Duration::from_millis(250)),
        strict: true,
    };
    let set = "[host]\nstop-timeout = '40s'\ndrain_delay = '5s'\nstall_after = '250ms'\nstrict = true";
    assert_eq!(file(set).host_options(), (options, Vec::new()));
    options.stall_after = None;
    assert_eq!(file(&set.replace("250ms", "none")).host_options(), (options, Vec::new()));
    let (_, problems) = file("[host]\nstall_after = '0s'").host_options();
    let expected = "`stall_after` of section [host] is zero: `0s` | set at hostkit.toml:2 | help: write a duration such as \"5m\" or \"1h 30m\"";
    assert_report(&problems, &[expected]);
    let (_, problems) = file("[host]\nstop_timout = '40s'\ndrain_delay = 5").host_options();
    let expected = [
        "`drain_delay` of section [host] is not a duration: `5` | set at hostkit.toml:3 | help: write a duration such as \"5m\" or \"1h 30m\"",
        "section [host] has no option `stop_timout` | set at hostkit.toml:2 | help: did you mean `stop_timeout`?",
    ];
    assert_report(&problems, &expected);
    let (_, problems) = file("[host]\nstop_timeout = '5s'\ndrain_delay = '5s'").host_options();
    let expected = "`drain_delay` of section [host] takes all of `stop_timeout`, which is 5s: `5s` | set at hostkit.toml:3 \
                    | help: the delay is part of it: make the delay shorter, or the timeout longer";
    assert_report(&problems, &[expected]);
}

#[cfg(feature = "durable")]
mod store {
    use super::*;
    use crate::store::StoreUrl;

    #[test]
    fn the_store_has_its_own_section() {
        let url = |text: &str| StoreUrl::parse(text).unwrap();
        let default = StoreOptions { url: url("sqlite://hostkit.db"), lease: Duration::from_mins(1) };
        assert_eq!(file("").store_options(), (default.clone(), Vec::new()));
        for (set, url, seconds) in [
            ("[store]\nurl = 'memory://'\nlease = '1s'", url("memory://"), 1),
            (
                "[store]\nurl = 'sqlite:///var/lib/a.db?synchronous=normal'\nlease = '1h'",
                { url("sqlite:///var/lib/a.db?synchronous=normal") },
                3600,
            ),
        ] {
            let options = StoreOptions { url, lease: Duration::from_secs(seconds) };
            assert_eq!(file(set).store_options(), (options, Vec::new()), "{set}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_store_is_said_with_its_place_and_no_secret() {
        let lease = "help: a death is noticed at once where the store can, and else after this time; \"60s\" suits most programs";
        for (set, expected) in [
            (
                "url = 'sqlte://a.db'",
                "`url` of section [store] names no store: `sqlte://a.db` | set at hostkit.toml:2 \
                 | help: no store is called `sqlte://`; did you mean `sqlite://`?",
            ),
            (
                "url = 'postgres://app:hunter2@db/jobs'",
                "`url` of section [store] names no store: `postgres://app:***@db/jobs` | set at hostkit.toml:2 \
                 | help: this hostkit cannot store jobs in `postgres://` yet; use `sqlite://`",
            ),
            (
                "url = 5",
                "`url` of section [store] is not a text: `5` | set at hostkit.toml:2 | help: write it in quotes",
            ),
            (
                "lease = 5",
                "`lease` of section [store] is not a duration: `5` | set at hostkit.toml:2 \
                 | help: write a duration such as \"5m\" or \"1h 30m\"",
            ),
            (
                "lease = '999ms'",
                &format!(
                    "`lease` of section [store] is not between 1s and 1h: `999ms` | set at hostkit.toml:2 | {lease}"
                ),
            ),
            (
                "lease = '61m'",
                &format!(
                    "`lease` of section [store] is not between 1s and 1h: `61m` | set at hostkit.toml:2 | {lease}"
                ),
            ),
            (
                "ulr = 'memory://'",
                "section [store] has no option `ulr` | set at hostkit.toml:2 | help: did you mean `url`?",
            ),
        ] {
            let (options, problems) = file(&format!("[store]\n{set}")).store_options();
            assert_report(&problems, &[expected]);
            assert_eq!(options, StoreOptions::default(), "{set}");
        }
    }
}

#[cfg(not(feature = "durable"))]
#[test]
fn without_durable_jobs_a_section_of_the_store_names_the_feature() {
    assert_eq!(file("").store_refused(), None);
    let help = "help: add the feature `sqlite`, or `durable` for `memory://` alone, to hostkit in its Cargo.toml, or remove the section";
    for (set, places) in [
        ("\n[store]\nlease = '5s'\nurl = 'memory://'", "`lease` set at hostkit.toml:3 | `url` set at hostkit.toml:4"),
        ("[store]", "set at hostkit.toml:1"),
    ] {
        let what = "section [store] is about durable jobs, and this program was built without them";
        let problems: Vec<_> = file(set).store_refused().into_iter().collect();
        assert_report(&problems, &[&format!("{what} | {places} | {help}")]);
    }
}

// ---- show and sample ----

#[test]
fn show_lists_every_value_with_its_origin_and_hides_secrets() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "binding it tells what is secret")]
    struct Options {
        pin: Secret<u32>,
        box_of: Secret<BTreeMap<String, u8>>,
    }
    let layers = Layered {
        files: &[(
            "hostkit.toml",
            "[database]\nurl = 'postgres://app:hunter2@db/orders'\nAPI-KEY = 'abc'\npin = 1234\nbox_of = { a = 1 }\nlist = [1, 'a\"b']\n\
             nested = { password = 'x', port = 5 }\nrows = [{ token = 'x', at = 1979-05-27 }]\n'odd one' = 1.0\n\
             [periodic.my-job]\nevery = '5m'\n[queued.gone]\ncapacity = 5\n",
        )],
        variables: &[("HOSTKIT__HOST__STOP_TIMEOUT", "40s")],
        sets: &["database.mode=fast"],
        ..Layered::default()
    };
    let configuration = layers.loaded();
    assert!(configuration.bind::<Options>("database").is_ok());
    let shown = configuration
        .show(&[periodic("my-job", &[("cron", Setting::Text("0 3 * * *")), ("overlap", Setting::Text("forbid"))])]);
    let expected = "\
# environment: production
database.API-KEY = \"***\"                              # hostkit.toml:3
database.box_of = \"***\"                               # hostkit.toml:5
database.list = [1, \"a\\\"b\"]                           # hostkit.toml:6
database.mode = \"fast\"                                # --set
database.nested.password = \"***\"                      # hostkit.toml:7
database.nested.port = 5                              # hostkit.toml:7
database.\"odd one\" = 1.0                              # hostkit.toml:9
database.pin = \"***\"                                  # hostkit.toml:4
database.rows = [{ at = 1979-05-27, token = \"***\" }]  # hostkit.toml:8
database.url = \"postgres://app:***@db/orders\"         # hostkit.toml:2
host.drain_delay = \"0s\"                               # default
host.stall_after = \"1s\"                               # default
host.stop_timeout = \"40s\"                             # environment variable HOSTKIT__HOST__STOP_TIMEOUT
host.strict = false                                   # default
periodic.my-job.enabled = true                        # default
periodic.my-job.every = \"5m\"                          # hostkit.toml:11
periodic.my-job.missed = \"once\"                       # default
periodic.my-job.on_failure = \"continue\"               # default
periodic.my-job.overlap = \"forbid\"                    # src/jobs.rs:4
periodic.my-job.run_at_start = false                  # default
periodic.my-job.tz = \"UTC\"                            # default
queued.gone.capacity = 5                              # hostkit.toml:13
";
    let of_store = "\
store.lease = \"60s\"                                   # default
store.url = \"sqlite://hostkit.db\"                     # default
";
    let of_store = if cfg!(feature = "durable") { of_store } else { "" };
    assert_eq!(shown, expected.to_owned() + of_store);
    assert!(toml::from_str::<toml::Table>(&shown).is_ok());
}

#[test]
fn a_sample_names_everything_and_sets_nothing() {
    let key = |name: &str, description: &str, value| SampleKey {
        name: name.to_owned(),
        description: description.to_owned(),
        value,
    };
    let sections = [
        SampleSection::of_options(
            "database",
            "Where orders are kept.\n\nShared by all.",
            &[
                Field { name: "url", description: "", optional: false },
                Field { name: "pool", description: "How many connections.", optional: true },
            ],
        ),
        SampleSection {
            section: "periodic.cleanup".to_owned(),
            description: String::new(),
            keys: vec![
                key("every", "", CLEANUP[0].1.into()),
                key("timeout", "how long", SampleValue::Nothing("a duration such as \"5m\"".to_owned())),
            ],
        },
    ];
    let sample = sample(&sections);
    let tail = sample.split_once("#strict = false\n").unwrap().1;
    let of_store = "
# Where durable jobs are kept.
[store]
# where the jobs are: a SQLite file on a disk of this machine, or \"memory://\", which keeps nothing
#url = \"sqlite://hostkit.db\"
# how long a process that runs jobs may be silent before they are given to others: 1s to 1h
#lease = \"60s\"
";
    let (of_store, values) = if cfg!(feature = "durable") { (of_store, 8) } else { ("", 6) };
    let expected = "
# Where orders are kept.
#
# Shared by all.
[database]
# url: required
# How many connections.
# pool: may be left out

[periodic.cleanup]
#every = \"1h\"
# how long
# timeout: a duration such as \"5m\"
";
    assert_eq!(tail, of_store.to_owned() + expected);
    for sample in [sample.clone(), uncommented(&sample)] {
        let (configuration, problems) = Layered { files: &[("hostkit.toml", &sample)], ..Layered::default() }.load();
        assert_report(&problems, &[]);
        assert_eq!(configuration.host_options(), (HostOptions::default(), Vec::new()));
    }
    assert_eq!(uncommented(&sample).matches(" = ").count(), values, "{sample}");
}

/// A sample with every value that it shows set, as by hand.
fn uncommented(sample: &str) -> String {
    let set =
        |line: &str| line.strip_prefix('#').filter(|line| !line.starts_with(' ')).unwrap_or(line).to_owned() + "\n";
    sample.lines().map(set).collect()
}

#[test]
fn what_an_attribute_says_is_the_value_of_a_sample() {
    let option = |unset| Opt { name: "x", unset, meaning: "" };
    let is = |value: &str| SampleValue::Is(value.to_owned());
    for (said, unset, expected) in [
        (None, Unset::Is("5"), is("5")),
        (None, Unset::Nothing("a duration"), SampleValue::Nothing("a duration".to_owned())),
        (Some(Setting::Integer(7)), Unset::Is("5"), is("7")),
        (Some(Setting::Text("5m")), Unset::Nothing("a duration"), is("\"5m\"")),
        (Some(Setting::Flag(true)), Unset::Is("false"), is("true")),
    ] {
        assert_eq!(SampleKey::of_option(&option(unset), said).value, expected, "{said:?}");
    }
}

// ---- anything at all ----

#[test]
fn no_input_makes_it_panic() {
    let words = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\\",
        "\\u00e",
        "#",
        "\n",
        "\r",
        " ",
        "\t",
        "\0",
        "ä",
        "🦀",
        "host",
        "periodic",
        "every",
        "a",
        "b-c",
        "b_c",
        "5m",
        "1",
        "-",
        "0x",
        "1e400",
        "inf",
        "nan",
        "true",
        "1979-05-27",
        "99999999999999999999",
        "://",
        "@",
        "password",
        "__",
        "HOSTKIT__",
        "stop_timeout",
        "strict",
        "store",
        "url",
        "lease",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = |count: usize| (0..count).map(|_| words[random.usize(..words.len())]).collect::<String>();
    for round in 0..500 {
        let (first, second, key, value) = (text(round % 40), text(round % 20), text(5), text(8));
        let layers = Layered {
            files: &[("hostkit.toml", &first), ("hostkit.production.toml", &second)],
            variables: &[
                (&format!("HOSTKIT__{key}"), &value),
                ("HOSTKIT_FILE__A", "hostkit.toml"),
                ("HOSTKIT__A__B", &value),
            ],
            code: &[(&key, &value)],
            sets: &[&value, &format!("{key}={value}")],
            ..Layered::default()
        };
        let (configuration, _) = layers.load();
        let item = periodic("a", CLEANUP);
        let mut settings = configuration.settings(&item);
        settings.one_of(&["every", "cron"]);
        settings.period("every");
        let _ = (
            settings.finish(&[]),
            configuration.host_options(),
            #[cfg(feature = "durable")]
            configuration.store_options(),
            #[cfg(not(feature = "durable"))]
            configuration.store_refused(),
            configuration.unread(Known { items: &[("periodic", "a")], sections: WEB }),
        );
        let _ = (
            configuration.bind::<Database>("a").is_ok(),
            configuration.bind::<BTreeMap<String, toml::Value>>("b_c").is_ok(),
        );
        assert!(toml::de::DeTable::parse(&configuration.show(&[item])).is_ok(), "{}", configuration.show(&[item]));
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(100_000);
    let file = format!("a = {deep}");
    let layers =
        Layered { files: &[("hostkit.toml", &file)], variables: &[("HOSTKIT__B__C", &deep)], ..Layered::default() };
    let (configuration, problems) = layers.load();
    assert!(!problems.is_empty());
    assert!(configuration.root.at("b.c").is_some());
}

#[test]
fn a_secret_is_hidden_under_every_spelling_of_its_key() {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "binding it tells what is secret")]
    struct Options {
        door_pin: Secret<String>,
    }
    let configuration =
        Layered { variables: &[("HOSTKIT__FRONT_DOOR__DOOR_PIN", "1234")], ..Layered::default() }.loaded();
    assert!(configuration.bind::<Options>("front-door").is_ok());
    let shown = configuration.show(&[]);
    assert!(shown.contains("front_door.door_pin = \"***\"") && !shown.contains("1234"), "{shown}");
}
