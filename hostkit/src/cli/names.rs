//! Names of services as they are given on the command line.

use crate::config::suggest;
use crate::program::Failure;

/// More names than this are left to `list`.
const SHOWN: usize = 8;

/// Nothing is called that.
pub(super) fn unknown(name: &str, known: &[&str]) -> Failure {
    let help = match (suggest(name, known.iter().copied()), known.len()) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, 1..=SHOWN) => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("there is {}", known.join(", "))
        }
        (None, _) => "`list` shows what there is".to_owned(),
    };
    Failure::usage(format!("nothing is called `{name}`: {help}"))
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn an_unknown_name_comes_with_the_nearest_or_with_all() {
        let many = ["a1", "b2", "c3", "d4", "e5", "f6", "g7", "h8", "i9"];
        for (name, known, expected) in [
            ("clenaup", &["cleanup", "report"][..], "nothing is called `clenaup`: did you mean `cleanup`?"),
            ("nightly", &["cleanup", "report"], "nothing is called `nightly`: there is `cleanup`, `report`"),
            ("nightly", &many, "nothing is called `nightly`: `list` shows what there is"),
            ("nightly", &[], "nothing is called `nightly`: `list` shows what there is"),
        ] {
            assert_eq!(unknown(name, known).report, expected);
        }
    }
}
