//! Finds crates whose services the linker left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::registry::registered_crates;

/// Asserts that the services and components of library crates are part of this program.
///
/// The linker drops a crate that no code names, with everything in it that has an attribute. Put a test with this beside
/// [`hostkit::main!`](macro@crate::main), in the binary, whose `link(…)` it checks; a file under `tests/` is a program of its own.
///
/// - `assert_linked!()` asks cargo which dependencies of this package use hostkit, directly or through others, and fails if
///   one of them has contributed nothing. It runs `cargo metadata --offline`.
/// - `assert_linked!(except(billing_types))` does the same but for crates that use hostkit and declare nothing.
/// - `assert_linked!(billing, shipping)` asks nobody, and is about these crates.
///
/// # Panics
/// With the crates that are missing and what to write; without names also when cargo cannot be asked.
///
/// # Examples
/// ```
/// # /*
/// #[test]
/// # */
/// fn no_crate_is_forgotten() {
///     hostkit::testing::assert_linked!();
/// }
/// # fn main() { no_crate_is_forgotten() }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_linked {
    () => {
        $crate::testing::check_linked(env!("CARGO_MANIFEST_DIR"), &[], &[])
    };
    (except($($left_out:ident),+ $(,)?)) => {
        $crate::testing::check_linked(env!("CARGO_MANIFEST_DIR"), &[], &[$(stringify!($left_out)),+])
    };
    ($($name:ident),+ $(,)?) => {
        $crate::testing::check_linked(env!("CARGO_MANIFEST_DIR"), &[$(stringify!($name)),+], &[])
    };
}

/// What `assert_linked!` expands to.
///
/// # Panics
/// When a crate is missing.
#[track_caller]
pub fn check_linked(manifest: &str, named: &[&str], except: &[&str]) {
    let linked = registered_crates();
    let wanted: BTreeSet<String> = if named.is_empty() {
        match users_of_hostkit(manifest) {
            Ok(users) => users,
            Err(error) => panic!("{error}; name the crates: `assert_linked!(that_crate)`"),
        }
    } else {
        named.iter().map(|name| (*name).to_owned()).collect()
    };
    let missing: Vec<_> =
        wanted.iter().map(String::as_str).filter(|name| !linked.contains(name) && !except.contains(name)).collect();
    if missing.is_empty() {
        return;
    }
    let (shown, link) = (missing.join("`, `"), missing.join(", "));
    let (subject, it) = if missing.len() == 1 { ("crate", "it") } else { ("crates", "them") };
    let otherwise = if named.is_empty() {
        format!("if nothing in {it} has a hostkit attribute, write `assert_linked!(except({link}))`")
    } else {
        format!("if that is done, nothing in {it} has a hostkit attribute")
    };
    panic!(
        "nothing of {subject} `{shown}` is part of this program: the linker drops what nobody names\n  \
         help: write `hostkit::main!(link({link}))`, or `hostkit::link!({link});` in a library\n  \
         help: {otherwise}"
    );
}

/// The crates among the dependencies of a package that depend on hostkit themselves.
fn users_of_hostkit(manifest: &str) -> Result<BTreeSet<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(manifest).join("Cargo.toml");
    // Only what this program is built for: what other platforms need has perhaps never been downloaded.
    let asked = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(["--filter-platform", env!("HOSTKIT_TARGET"), "--manifest-path"])
        .arg(&manifest)
        .output()
        .map_err(|error| format!("cargo cannot be asked for the dependencies: {error}"))?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr);
        return Err(format!("cargo does not say what the dependencies are: {}", said.trim()));
    }
    let metadata: Value =
        serde_json::from_slice(&asked.stdout).map_err(|error| format!("what cargo says cannot be read: {error}"))?;
    Metadata::read(&metadata)
        .users_of_hostkit(&manifest)
        .ok_or_else(|| format!("cargo does not know the package of {}", manifest.display()))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What is asked of cargo's answer.
#[derive(Default)]
struct Metadata<'m> {
    /// By the path of its manifest, the id of a package.
    manifests: BTreeMap<&'m str, &'m str>,
    /// By its id, the name of a package's library, and that of the package.
    libraries: BTreeMap<&'m str, (String, &'m str)>,
    /// By its id, what a package depends on when it runs.
    dependencies: BTreeMap<&'m str, Vec<&'m str>>,
}

impl<'m> Metadata<'m> {
    fn read(metadata: &'m Value) -> Self {
        let mut read = Self::default();
        for package in list(&metadata["packages"]) {
            let id = text(&package["id"]);
            read.manifests.insert(text(&package["manifest_path"]), id);
            let is_library = |target: &&Value| list(&target["kind"]).iter().any(|kind| text(kind).ends_with("lib"));
            if let Some(library) = list(&package["targets"]).iter().find(is_library) {
                read.libraries.insert(id, (text(&library["name"]).replace('-', "_"), text(&package["name"])));
            }
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let runs = |dependency: &&Value| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let dependencies = list(&node["deps"]).iter().filter(runs).map(|dependency| text(&dependency["pkg"]));
            read.dependencies.insert(text(&node["id"]), dependencies.collect());
        }
        read
    }

    fn users_of_hostkit(&self, manifest: &Path) -> Option<BTreeSet<String>> {
        let found = self.manifests.iter().find(|(path, _)| Path::new(path) == manifest);
        let root = *found?.1;
        let is_hostkit = |id: &&str| self.libraries.get(id).is_some_and(|(_, package)| *package == "hostkit");
        let mut users = BTreeSet::new();
        let mut seen = BTreeSet::from([root]);
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            let dependencies = self.dependencies.get(id).map(Vec::as_slice).unwrap_or_default();
            if id != root && dependencies.iter().any(is_hostkit) {
                users.extend(self.libraries.get(id).map(|(library, _)| library.clone()));
            }
            open.extend(dependencies.iter().filter(|id| !is_hostkit(id)).filter(|id| seen.insert(**id)));
        }
        Some(users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages, each with what it depends on; a `*` marks what it only builds or tests with.
    fn users(packages: &[(&str, &[&str])]) -> Option<BTreeSet<String>> {
        let package = |(name, _): &(&str, &[&str])| {
            let manifest = format!("/src/{name}/Cargo.toml");
            let (library, test) = (
                serde_json::json!({"kind": ["lib"], "name": name}),
                serde_json::json!({"kind": ["test"], "name": "it"}),
            );
            serde_json::json!({"id": format!("id of {name}"), "name": name, "manifest_path": manifest, "targets": [test, library]})
        };
        let node = |(name, dependencies): &(&str, &[&str])| {
            let dependency = |name: &&str| {
                let kind = name.strip_suffix('*').map(|_| "dev");
                let of = name.trim_end_matches('*');
                serde_json::json!({"pkg": format!("id of {of}"), "dep_kinds": [{"kind": kind}]})
            };
            let deps: Vec<_> = dependencies.iter().map(dependency).collect();
            serde_json::json!({"id": format!("id of {name}"), "deps": deps})
        };
        let (packages, nodes): (Vec<_>, Vec<_>) = packages.iter().map(|one| (package(one), node(one))).unzip();
        let metadata = serde_json::json!({"packages": packages, "resolve": {"nodes": nodes}});
        Metadata::read(&metadata).users_of_hostkit(Path::new("/src/app/Cargo.toml"))
    }

    #[test]
    fn every_dependency_that_uses_hostkit_is_found_whoever_depends_on_it() {
        let found = users(&[
            ("app", &["hostkit", "billing-jobs", "glue", "harness*"]),
            ("billing-jobs", &["hostkit"]),
            ("glue", &["shipping", "serde"]),
            ("shipping", &["hostkit", "billing-jobs"]),
            ("harness", &["hostkit"]),
            ("hostkit", &["inner"]),
            ("inner", &[]),
            ("serde", &[]),
        ]);
        assert_eq!(found, Some(BTreeSet::from(["billing_jobs".to_owned(), "shipping".to_owned()])));
    }

    #[test]
    fn a_package_that_cargo_does_not_know_is_said_to_be() {
        assert_eq!(users(&[("other", &["hostkit"])]), None);
    }

    #[test]
    fn cargo_is_asked() {
        let found = users_of_hostkit(env!("CARGO_MANIFEST_DIR")).expect("cargo answers");
        assert_eq!(found, BTreeSet::new());
    }
}
