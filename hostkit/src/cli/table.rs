//! Tables for people.

use std::fmt::Write as _;

/// Columns two spaces apart, the last one as long as it is.
pub(super) fn aligned<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = rows.collect();
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_spaces() {
        let row = |cells: [&str; 3]| cells.map(ToOwned::to_owned);
        let rows = [row(["NAME", "KIND", "ABOUT"]), row(["größe", "periodic", ""]), row(["a", "queued", "does it"])];
        assert_eq!(
            aligned(rows.into_iter()),
            "NAME   KIND      ABOUT\n\
             größe  periodic\n\
             a      queued    does it\n"
        );
    }
}
