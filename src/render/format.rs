//! What `fmt` would change.

use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use crate::render::text::{BAD, GOOD, QUIET, STRONG, plain};

/// Unchanged lines that are shown around a change.
const CONTEXT_LINES: usize = 3;

/// Returns a unified diff of one file.
#[must_use]
pub fn diff(path: &str, before: &str, after: &str) -> String {
    let path = plain(path);
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    let _ = writeln!(out, "{STRONG}--- {path}{STRONG:#}\n{STRONG}+++ {path}{STRONG:#}");
    for hunk in diff.unified_diff().context_radius(CONTEXT_LINES).iter_hunks() {
        let _ = writeln!(out, "{QUIET}{}{QUIET:#}", hunk.header());
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', BAD),
                ChangeTag::Insert => ('+', GOOD),
                ChangeTag::Equal => (' ', anstyle::Style::new()),
            };
            let line = plain(change.value().trim_end_matches(['\n', '\r']));
            let _ = writeln!(out, "{style}{sign}{line}{style:#}");
        }
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
        -e  
        +e
        ");
    }
}
