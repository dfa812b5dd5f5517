//! `store check`, `store migrate` and `store backup`.

use std::error::Error;
use std::path::Path;

use serde::Serialize;

use super::counted;
use super::job::json;
use crate::cli::list::Form;
use crate::cli::stdout;
use crate::error::WithCauses;
use crate::program::Failure;
use crate::store::{Counts, Store, StoreUrl};

/// `store check --json`.
#[derive(Debug, Serialize)]
struct Checked {
    jobs: Option<u64>,
    faults: Vec<String>,
}

pub(super) async fn check(store: &dyn Store, form: Form) -> Result<(), Failure> {
    let faults = match store.check().await {
        // What cannot be read is found as well.
        Err(error) if error.is_corrupt() => return unreadable(&error, form),
        checked => checked?,
    };
    // Nobody knows how many jobs are in a file that is damaged.
    let jobs = if faults.is_empty() { Some(store.counts().await?.iter().map(Counts::all).sum()) } else { None };
    report(&Checked { jobs, faults }, form)
}

/// So damaged that it is no store any more.
pub(super) fn unreadable(error: &(dyn Error + 'static), form: Form) -> Result<(), Failure> {
    report(&Checked { jobs: None, faults: vec![WithCauses(error).to_string()] }, form)
}

fn report(checked: &Checked, form: Form) -> Result<(), Failure> {
    match (form, checked.jobs) {
        (Form::Json, _) => stdout::print(&json(checked))?,
        (Form::Table, Some(jobs)) => stdout::print(&format!("ok: {}, no faults\n", counted(jobs, "job")))?,
        (Form::Table, None) => stdout::print(&(checked.faults.join("\n") + "\n"))?,
    }
    match checked.faults.len() as u64 {
        0 => Ok(()),
        count => Err(Failure::other(format!(
            "the store has {}: stop what uses it, keep a copy of its files, and restore a backup",
            counted(count, "fault")
        ))),
    }
}

pub(super) async fn migrate(url: StoreUrl) -> Result<(), Failure> {
    crate::store::migrate(&url).await?;
    stdout::print(if url.is_memory() {
        "ok: a store in memory is always new\n"
    } else {
        "ok: the store is up to date\n"
    })
}

pub(super) async fn backup(store: &dyn Store, file: &Path) -> Result<(), Failure> {
    if file.exists() {
        return Err(Failure::other(format!(
            "`{}` is there already, and a backup overwrites nothing; name another file",
            file.display()
        )));
    }
    store.backup(file).await?;
    let bytes = std::fs::metadata(file).map(|found| found.len()).unwrap_or_default();
    stdout::print(&format!("ok: {}, {bytes} bytes\n", file.display()))
}
