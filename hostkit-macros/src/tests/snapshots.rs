//! The expansions as files for people to read: `tests/expand/<macro>.rs`, what was written above what it becomes.
//!
//! `UPDATE_EXPAND=1 cargo test -p hostkit-macros` writes them anew; read the difference before you commit it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;

use super::{expand, tokens};
use crate::expand::{link, main};

/// The file of that name says what the attribute makes of the item.
fn check(file: &str, attribute: &str, args: &str, item: &str) {
    let brackets = if args.is_empty() { String::new() } else { format!("({args})") };
    compare(file, &format!("#[hostkit::{attribute}{brackets}]\n{item}"), expand(attribute, args, item));
}

fn compare(file: &str, input: &str, expansion: TokenStream) {
    let parsed = syn::parse2(expansion).unwrap_or_else(|error| panic!("the expansion of `{file}` is no Rust: {error}"));
    let mut text = String::new();
    for line in input.lines() {
        writeln!(text, "// {line}").expect("a string takes what is written");
    }
    text.push('\n');
    text.push_str(&prettyplease::unparse(&parsed));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand").join(file).with_extension("rs");
    if std::env::var_os("UPDATE_EXPAND").is_some() {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let reviewed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == reviewed,
        "the expansion is not the one in tests/expand/{file}.rs (UPDATE_EXPAND=1 writes it):\n{}",
        difference(&reviewed, &text)
    );
}

/// The lines that only one of them has, and one line around them.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The length of the longest common sequence of the lines from here on.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] =
                if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines: Vec<(char, &str)> = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let changed = |at: usize| lines.get(at).is_some_and(|(sign, _)| *sign != ' ');
    let near = |at: usize| changed(at) || changed(at + 1) || at.checked_sub(1).is_some_and(changed);
    let shown =
        lines.iter().enumerate().filter(|(at, _)| near(*at)).map(|(_, (sign, line))| format!("{sign} {line}\n"));
    shown.collect()
}

#[test]
fn a_difference_is_the_lines_that_changed() {
    assert_eq!(difference("a\nb\nc\nd\n", "a\nb\nx\nd\n"), "  b\n- c\n+ x\n  d\n");
    assert_eq!(difference("", "a\n"), "+ a\n");
    assert_eq!(difference("a\n", "a\n"), "");
}

#[test]
fn background_service() {
    check(
        "background_service",
        "background_service",
        r#"on_failure = "restart", backoff = "1s..1m", after = [migrate]"#,
        "async fn order_intake(orders: Queue<process_order>, pool: Ext<SqlitePool>, stop: CancellationToken) -> anyhow::Result<()> {\n    intake(orders, pool, stop).await\n}",
    );
}

#[test]
fn blocking() {
    check(
        "blocking",
        "background_service",
        "blocking = true",
        "fn watch(clock: &Clock, store: &dyn Store) -> ! {\n    look(clock, store)\n}",
    );
}

#[test]
fn periodic() {
    check(
        "periodic",
        "periodic",
        r#"every = "1h""#,
        "/// Deletes rows nobody needs any more.\nasync fn cleanup(work: &UnitOfWork, options: &CleanupOptions) -> anyhow::Result<()> {\n    work.delete(options).await\n}",
    );
}

#[test]
fn queued() {
    check(
        "queued",
        "queued",
        "capacity = 100, concurrency = 4, attempts = 3",
        "pub async fn process_order(order_id: i64, orders: &Orders, now: Moment) -> anyhow::Result<()> {\n    orders.process(order_id, now).await\n}",
    );
}

/// As it is with the feature; without it the runtime has no such thing.
#[cfg(feature = "durable")]
#[test]
fn queued_durable() {
    check(
        "queued_durable",
        "queued",
        r#"durable, attempts = 5, per_key = 1, key = customer, rate = "100/1s""#,
        "pub async fn send_invoice(invoice: Invoice, mail: &Mail, job: JobContext) -> anyhow::Result<Verdict> {\n    mail.send(invoice, job.fence()).await\n}",
    );
}

#[test]
fn hooks() {
    for (hook, function) in
        [("on_start", "migrate"), ("on_started", "announce"), ("on_stopping", "warn"), ("on_stopped", "sweep")]
    {
        check(
            hook,
            hook,
            "",
            &format!("async fn {function}(pool: Ext<SqlitePool>) -> Result<(), DbError> {{\n    run(pool).await\n}}"),
        );
    }
}

#[test]
fn singleton() {
    check(
        "singleton",
        "singleton",
        "",
        "async fn pool(options: &DatabaseOptions) -> anyhow::Result<SqlitePool> {\n    connect(options).await\n}",
    );
}

#[test]
fn bound_to_a_trait() {
    check(
        "bound_to_a_trait",
        "singleton",
        r#"as = dyn OrderStore, key = "eu""#,
        "struct SqliteStore {\n    pool: Ext<SqlitePool>,\n    #[inject(default)]\n    written: AtomicU64,\n}",
    );
}

#[test]
fn scoped() {
    check(
        "scoped",
        "scoped",
        "",
        "impl UnitOfWork {\n    async fn new(pool: Ext<SqlitePool>, clock: &Clock) -> Result<Self, DbError> {\n        begin(pool, clock).await\n    }\n    async fn dispose(self, outcome: Outcome) -> Result<(), DbError> {\n        self.end(outcome).await\n    }\n}",
    );
}

#[test]
fn transient() {
    check("transient", "transient", "", "pub struct Repository<T> {\n    store: Arc<T>,\n}");
}

#[test]
fn options() {
    check(
        "options",
        "options",
        r#""database", validate = Self::problems"#,
        "#[derive(serde::Deserialize)]\nstruct DatabaseOptions {\n    /// Where it is.\n    url: String,\n    pool_size: Option<u32>,\n}",
    );
}

#[test]
fn health_check() {
    check("health_check", "health_check", r#"timeout = "5s""#, "async fn database(pool: Ext<SqlitePool>) {}");
}

#[test]
fn program() {
    check(
        "program",
        "program",
        r#"flavor = "current_thread""#,
        "async fn main(host: &mut HostBuilder) -> anyhow::Result<()> {\n    setup(host).await\n}",
    );
}

#[test]
fn main_and_link() {
    compare(
        "main",
        "hostkit::main!(link(billing), worker_threads = 4);",
        main::function_like(tokens("link(billing), worker_threads = 4")),
    );
    compare("link", "hostkit::link!(billing, shipping);", link::expand(tokens("billing, shipping")));
}

#[test]
fn a_mistake() {
    check("a_mistake", "queued", "capacity = 0", "async fn process_order(order_id: i64, orders: &Orders) {}");
}
