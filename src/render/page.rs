//! The pages of diagnostic codes: their Markdown, as a terminal shows it best.

use std::fmt::Write as _;

use crate::diagnostic::Code;
use crate::render::text::{QUIET, STRONG};

/// Returns a code's page for people: headings stand out, examples are indented.
#[must_use]
pub fn page(code: Code) -> String {
    let mut out = String::new();
    let mut is_example = false;
    for line in code.page().lines() {
        if line.starts_with("```") {
            is_example = !is_example;
        } else if is_example && !line.is_empty() {
            let _ = writeln!(out, "    {QUIET}{line}{QUIET:#}");
        } else if let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("# ")) {
            let _ = writeln!(out, "{STRONG}{heading}{STRONG:#}");
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Returns every code with its one-line meaning, in the order of [`Code::ALL`].
#[must_use]
pub fn codes() -> String {
    let width = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or_default();
    let mut out = String::new();
    for code in Code::ALL {
        let name = format!("{:width$}", code.as_str());
        let _ = writeln!(out, "{STRONG}{name}{STRONG:#}  {}", code.summary());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_headings_and_indented_examples() {
        let plain = anstream::adapter::strip_str(&page(Code::SeveralDocuments)).to_string();
        insta::assert_snapshot!(plain, @r"
        several-documents

        A file contains more than one YAML document.

        A line `---` starts a new document.

        Why it matters

        Many tools read only the first document of a file. A reviewer could approve a campaign that is never sent, or
        miss one that is.

        Wrong

            templates: {}
            ---
            audiences: {}

        Right

            templates: {}
            audiences: {}

        How to fix

        Move the second document to its own file, or remove the `---`. One `---` on the first line is fine.
        ");
    }

    #[test]
    fn the_list_has_one_line_for_each_code() {
        let plain = anstream::adapter::strip_str(&codes()).to_string();
        assert_eq!(plain.lines().count(), Code::ALL.len());
        assert!(plain.contains("\nunknown-name               A reference to something"), "{plain}");
    }
}
