//! Every mistake that a compiler can see, and what it says; `README.md` is the list.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn mistakes_are_reported() {
    trybuild::TestCases::new().compile_fail("*/fail/*.rs");
}

#[test]
fn right_programs_compile_and_run() {
    trybuild::TestCases::new().pass("main/ok/*.rs");
}

/// A case with several mistakes says so in its first line: `// 6 errors: …`.
#[test]
fn one_mistake_is_one_error() {
    let faults: Vec<String> = cases("fail")
        .iter()
        .filter_map(|case| {
            let source = read(case);
            let expected =
                source.strip_prefix("// ").and_then(|line| line.split_once(" errors")).map_or("1", |(n, _)| n);
            let report = read(&case.with_extension("stderr"));
            let errors = report.lines().filter(|line| line.starts_with("error")).count();
            (errors.to_string() != expected).then(|| format!("{}: {errors} errors", case.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_mistake_is_a_warning_as_well() {
    let noisy: Vec<PathBuf> = cases("fail")
        .into_iter()
        .filter(|case| read(&case.with_extension("stderr")).lines().any(|line| line.starts_with("warning")))
        .collect();
    assert!(noisy.is_empty(), "{noisy:#?}");
}

#[test]
fn the_list_names_every_case_and_no_other() {
    let readme = read(Path::new("README.md"));
    let of_a_case = |word: &&str| word.contains("/fail/") || word.contains("/ok/");
    let named = readme.split('`').filter(of_a_case).map(str::to_owned);
    let named: BTreeSet<String> = named.collect();
    let present = ["fail", "ok"].into_iter().flat_map(cases).map(|case| case.display().to_string());
    let present: BTreeSet<String> = present.collect();
    assert_eq!(present.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "cases without a row");
    assert_eq!(named.difference(&present).collect::<Vec<_>>(), Vec::<&String>::new(), "rows without a case");
}

/// The cases of one verdict, relative to this package.
fn cases(verdict: &str) -> Vec<PathBuf> {
    let macros = fs::read_dir(".").expect("the package's directory can be read").flatten();
    let files = macros.filter_map(|entry| fs::read_dir(Path::new(&entry.file_name()).join(verdict)).ok()).flatten();
    let mut cases: Vec<PathBuf> =
        files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some_and(|it| it == "rs")).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases under */{verdict}");
    cases
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
