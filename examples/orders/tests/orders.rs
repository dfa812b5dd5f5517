//! Runs the program and looks into its database.

use std::path::PathBuf;

use driver::{Directory, Ended, Program, Sqlite, eventually};

const ORDERS: &str = env!("CARGO_BIN_EXE_orders");

/// Three good orders.
const SMALL_FILE: &str = "\
id,placed_at,customer,email,city,currency,items,amount,note
1,2026-09-01T07:12:45Z,Customer 0001,c1@example.com,Gent,EUR,Ax1@1.00;Bx2@0.50,2.00,
2,2026-09-01T07:13:45Z,Customer 0002,c2@example.com,Gent,EUR,Ax4@1.00,4.00,
3,2026-09-01T07:14:45Z,Customer 0003,c3@example.com,Gent,EUR,Bx6@0.50,3.00,
";

/// A directory with a database and perhaps an orders file of its own.
struct Shop {
    directory: Directory,
    file: Option<PathBuf>,
}

impl Shop {
    /// With the file of the repository.
    fn new() -> Self {
        Self { directory: Directory::new(), file: None }
    }

    /// With three orders.
    fn small() -> Self {
        let directory = Directory::new();
        let file = directory.join("orders.csv");
        std::fs::write(&file, SMALL_FILE).expect("the directory is ours");
        Self { directory, file: Some(file) }
    }

    fn start(&self, arguments: &[&str]) -> Program {
        let database = format!("database.url=sqlite:{}", self.directory.join("orders.db").display());
        let mut all = vec!["--set", &database];
        let import;
        if let Some(file) = &self.file {
            import = format!("import.file={}", file.display());
            all.extend(["--set", &import]);
        }
        all.extend(arguments);
        Program::start(ORDERS, &self.directory, all)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).ended()
    }

    fn database(&self) -> Sqlite {
        Sqlite::open(&self.directory.join("orders.db"))
    }
}

/// What holds at any time: an invoice for each processed order and no other, and what was sold is what they contain.
fn assert_nothing_was_done_twice_or_by_halves(database: &mut Sqlite) {
    let invoiced = "SELECT order_id, amount FROM invoices ORDER BY order_id";
    let processed = "SELECT id, amount FROM orders WHERE state = 'processed' ORDER BY id";
    assert_eq!(database.rows::<(i64, i64)>(invoiced), database.rows::<(i64, i64)>(processed));
    let sold = "SELECT article, quantity FROM sales ORDER BY article";
    let contained = "SELECT article, sum(quantity) FROM order_items JOIN orders ON orders.id = order_id \
                     WHERE state = 'processed' GROUP BY article ORDER BY article";
    assert_eq!(database.rows::<(String, i64)>(sold), database.rows::<(String, i64)>(contained));
}

fn assert_all_is_done(database: &mut Sqlite) {
    let states = "SELECT state, coalesce(refusal, ''), count(*) FROM orders GROUP BY 1, 2 ORDER BY 1, 2";
    let row = |state: &str, refusal: &str, count| (state.to_owned(), refusal.to_owned(), count);
    assert_eq!(
        database.rows::<(String, String, i64)>(states),
        [
            row("processed", "", 3_940),
            row("refused", "the amount is not the sum of the items", 36),
            row("refused", "the currency is not taken", 24),
        ]
    );
    assert_nothing_was_done_twice_or_by_halves(database);
}

#[test]
fn the_data_file_is_what_the_generator_writes() {
    let generated = Program::run(env!("CARGO_BIN_EXE_generate-orders"), &Directory::new(), []);
    assert_eq!(generated.code, Some(0));
    let file = include_bytes!("../data/orders.csv");
    assert!(generated.stdout == file, "{} and {} bytes", generated.stdout.len(), file.len());
}

#[test]
fn all_orders_are_worked_through_and_a_second_run_finds_nothing_to_do() {
    let shop = Shop::new();
    let ended = shop.run(&[]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let mut database = shop.database();
    assert_all_is_done(&mut database);

    let rejects = "SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY reason";
    let expected = [
        ("a field is empty", 12),
        ("bad amount", 10),
        ("bad date", 16),
        ("bad id", 8),
        ("bad items", 21),
        ("broken quotes", 12),
        ("not UTF-8", 11),
        ("repeated id", 15),
        ("too few fields", 18),
        ("too many fields", 14),
    ];
    assert_eq!(
        database.rows::<(String, i64)>(rejects),
        expected.map(|(reason, count)| (reason.to_owned(), count)),
        "as data/README.md says"
    );
    let not_utf8: Vec<(i64, Vec<u8>)> =
        database.rows("SELECT line, text FROM rejects WHERE reason = 'not UTF-8' ORDER BY line LIMIT 1");
    let file = include_bytes!("../data/orders.csv");
    let line = file.split(|byte| *byte == b'\n').nth(usize::try_from(not_utf8[0].0).unwrap() - 1).unwrap();
    assert_eq!(not_utf8[0].1, line, "a rejected row is kept as it is, under its line number");

    let imported = ended.event("orders imported").expect("it says what it imported");
    assert_eq!((imported["imported"].as_u64(), imported["rejected"].as_u64()), (Some(4_000), Some(137)));
    let warnings = ended.log.iter().filter(|line| line.contains("WARN")).count();
    assert_eq!(warnings, expected.len(), "one for each reason");
    let report = ended.event("orders in the database").expect("it says what it did");
    assert_eq!(
        ["processed", "refused", "left", "rejected"].map(|count| report[count].as_u64()),
        [Some(3_940), Some(60), Some(0), Some(137)]
    );

    let ended = shop.run(&[]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert!(ended.event("imported before").is_some(), "{:#?}", ended.log);
    assert_all_is_done(&mut database);
}

#[test]
fn stopped_in_the_middle_it_drains_its_queue_and_goes_on_where_it_was() {
    let shop = Shop::new();
    let mut program = shop.start(&[]);
    program.event("started: every service is ready");
    let mut database = shop.database();
    wait_for_some_invoices(&mut database);
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert!(ended.event("stopped").is_some(), "{:#?}", ended.log);
    assert_nothing_was_done_twice_or_by_halves(&mut database);
    let done = database.number("SELECT count(*) FROM orders WHERE state IN ('processed', 'refused')");
    assert!(done < 4_000, "it was not in the middle");
    let left = ended.event("orders in the database").expect("it says what is left");
    assert_eq!(left["left"].as_i64(), Some(4_000 - done));

    assert_eq!(shop.run(&[]).code, Some(0));
    assert_all_is_done(&mut database);
}

#[test]
fn killed_in_the_middle_it_loses_nothing_and_does_nothing_twice() {
    let shop = Shop::new();
    let mut program = shop.start(&[]);
    program.event("started: every service is ready");
    let mut database = shop.database();
    wait_for_some_invoices(&mut database);
    program.kill();
    assert!(database.number("SELECT count(*) FROM orders WHERE state = 'pending'") > 0, "it was not in the middle");
    assert_nothing_was_done_twice_or_by_halves(&mut database);

    assert_eq!(shop.run(&[]).code, Some(0));
    assert_all_is_done(&mut database);
}

#[test]
fn stopped_while_it_imports_it_has_imported_all_or_nothing() {
    let shop = Shop::new();
    let program = shop.start(&[]);
    let importing = |line: &String| line.contains("running hook") && line.contains("import_orders");
    eventually("the import", || program.log().iter().any(importing).then_some(()));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let mut database = shop.database();
    let imported = database.number("SELECT count(*) FROM orders");
    assert!([0, 4_000].contains(&imported), "{imported}");
    assert_eq!(database.number("SELECT count(*) FROM imports"), imported / 4_000);

    assert_eq!(shop.run(&[]).code, Some(0));
    assert_all_is_done(&mut database);
}

fn wait_for_some_invoices(database: &mut Sqlite) {
    eventually("some invoices", || (database.number("SELECT count(*) FROM invoices") > 50).then_some(()));
}

#[test]
fn a_run_that_fails_is_rolled_back_and_its_order_is_tried_at_the_next_start() {
    let shop = Shop::small();
    let mut database = shop.database();
    database.execute(include_str!("../src/schema.sql"));
    database.execute(
        "CREATE TRIGGER out_of_paper BEFORE INSERT ON invoices WHEN NEW.order_id = 2
         BEGIN SELECT RAISE(ABORT, 'the printer is out of paper'); END",
    );
    let ended = shop.run(&[]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    let failures: Vec<_> = ended.log.iter().filter(|line| line.contains("out of paper")).collect();
    assert_eq!(failures.len(), 1, "{failures:#?}");
    assert!(failures[0].contains("process_order") && failures[0].contains("WARN"), "{failures:?}");
    let states = "SELECT id, state FROM orders ORDER BY id";
    let state = |id: i64, state: &str| (id, state.to_owned());
    assert_eq!(
        database.rows::<(i64, String)>(states),
        [state(1, "processed"), state(2, "claimed"), state(3, "processed")]
    );
    // What it sold was counted before the invoice was refused, and is counted no more.
    assert_nothing_was_done_twice_or_by_halves(&mut database);

    database.execute("DROP TRIGGER out_of_paper");
    assert_eq!(shop.run(&[]).code, Some(0));
    assert_eq!(
        database.rows::<(i64, String)>(states),
        [state(1, "processed"), state(2, "processed"), state(3, "processed")]
    );
    assert_nothing_was_done_twice_or_by_halves(&mut database);
}

#[test]
fn an_intake_that_fails_is_restarted_and_goes_on() {
    let shop = Shop::small();
    let mut database = shop.database();
    database.execute(include_str!("../src/schema.sql"));
    database.execute(
        "CREATE TRIGGER on_strike BEFORE UPDATE ON orders WHEN NEW.state = 'claimed'
         BEGIN SELECT RAISE(ABORT, 'the intake is on strike'); END",
    );
    let program = shop.start(&[
        "--set",
        "background_service.order_intake.backoff=200ms",
        "--set",
        "background_service.order_intake.max_restarts=1000",
    ]);
    let failures = |log: &[String]| log.iter().filter(|line| line.contains("on strike")).count();
    eventually("two failures", || (failures(&program.log()) >= 2).then_some(()));
    database.execute("DROP TRIGGER on_strike");
    let ended = program.ended();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(database.number("SELECT count(*) FROM invoices"), 3);
    assert_nothing_was_done_twice_or_by_halves(&mut database);
}

#[test]
fn told_to_wait_it_takes_orders_that_come_later() {
    let shop = Shop::small();
    let mut program = shop.start(&["--set", "intake.when_done=wait", "--set", "intake.poll=20ms"]);
    program.event("started: every service is ready");
    let mut database = shop.database();
    let processed = "SELECT count(*) FROM orders WHERE state = 'processed'";
    eventually("the orders of the file", || (database.number(processed) == 3).then_some(()));
    database.execute(
        "BEGIN;
         INSERT INTO orders (id, placed_at, customer, email, city, currency, amount, note)
             VALUES (4, 0, 'Customer 0004', 'c4@example.com', 'Gent', 'EUR', 500, '');
         INSERT INTO order_items (order_id, article, quantity, unit_price) VALUES (4, 'A', 5, 100);
         COMMIT",
    );
    eventually("the order that came later", || (database.number(processed) == 4).then_some(()));
    let ended = program.stopped();
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_nothing_was_done_twice_or_by_halves(&mut database);
}

#[test]
fn the_cleanup_deletes_old_rejects_and_only_those() {
    let shop = Shop::small();
    let mut database = shop.database();
    database.execute(include_str!("../src/schema.sql"));
    database.execute(
        "INSERT INTO rejects (line, reason, text, rejected_at) VALUES
             (1, 'bad id', 'x', unixepoch() - 8 * 86400), (2, 'bad id', 'x', unixepoch() - 7 * 86400 - 60),
             (3, 'bad id', 'x', unixepoch() - 7 * 86400 + 3600), (4, 'bad id', 'x', unixepoch())",
    );
    let ended = shop.run(&["trigger", "cleanup", "--set", "cleanup.keep_days=7"]);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.log);
    assert_eq!(database.rows::<(i64,)>("SELECT line FROM rejects ORDER BY line"), [(3,), (4,)]);
    assert_eq!(ended.event("old rejects deleted").expect("it says how many")["deleted"].as_u64(), Some(2));
    assert_eq!(database.number("SELECT count(*) FROM orders WHERE state <> 'pending'"), 0, "nothing else has run");
}

#[test]
fn everything_wrong_with_the_configuration_is_said_at_once_and_nothing_is_touched() {
    let shop = Shop::small();
    let ended = shop.run(&[
        "--set",
        "intake.when_done=never",
        "--set",
        "queued.process_order.concurrency=0",
        "--set",
        "cleanup.keep_days=-1",
        "--set",
        "periodic.cleanup.evry=1m",
    ]);
    assert_eq!(ended.code, Some(78), "{:#?}", ended.log);
    let report = ended.log.join("\n");
    for fault in ["never", "concurrency", "keep_days", "evry", "`every`"] {
        assert!(report.contains(fault), "{fault}: {report}");
    }
    assert!(!shop.directory.join("orders.db").exists());
}

#[test]
fn an_orders_file_that_cannot_be_read_fails_the_start_and_can_be_put_right() {
    let shop = Shop::small();
    let file = shop.file.as_ref().unwrap();
    std::fs::remove_file(file).unwrap();
    let ended = shop.run(&[]);
    assert_eq!(ended.code, Some(75), "{:#?}", ended.log);
    let report = ended.log.join("\n");
    assert!(report.contains("import_orders") && report.contains("orders.csv cannot be read"), "{report}");

    std::fs::write(file, SMALL_FILE).unwrap();
    assert_eq!(shop.run(&[]).code, Some(0));
    assert_eq!(shop.database().number("SELECT count(*) FROM invoices"), 3);
}
