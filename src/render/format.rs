//! What `fmt` would change.

use std::fmt::Write as _;

use crate::render::difference::{self, Line};
use crate::render::text::{BAD, GOOD, QUIET, STRONG, plain};

/// Unchanged lines that are shown around a change.
const CONTEXT_LINES: usize = 3;

/// Returns a unified diff of one file.
#[must_use]
pub fn diff(path: &str, before: &str, after: &str) -> String {
    let path = plain(path);
    let mut out = String::new();
    let _ = writeln!(out, "{STRONG}--- {path}{STRONG:#}\n{STRONG}+++ {path}{STRONG:#}");
    for line in difference::lines(before, after, CONTEXT_LINES) {
        let shown = line.plain();
        let _ = match line {
            Line::Header(_) => writeln!(out, "{QUIET}{shown}{QUIET:#}"),
            Line::Same(_) => writeln!(out, " {shown}"),
            Line::Removed(_) => writeln!(out, "{BAD}-{shown}{BAD:#}"),
            Line::Added(_) => writeln!(out, "{GOOD}+{shown}{GOOD:#}"),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_what_changes_and_what_is_around() {
        let before = "a\nb\nc\nd\ne  \n";
        let plain = anstream::adapter::strip_str(&diff("x.yaml", before, "a\nb\nc\nd\ne\n")).to_string();
        insta::assert_snapshot!(plain, @r"
        --- x.yaml
        +++ x.yaml
        @@ -2,4 +2,4 @@
         b
         c
         d
        -e\u{20}\u{20}
        +e
        ");
    }
}
