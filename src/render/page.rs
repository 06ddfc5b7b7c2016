//! The pages of diagnostic codes: their Markdown, as a terminal shows it best.

use std::fmt::Write as _;

use crate::diagnostic::Code;
use crate::render::text::{self, QUIET, STRONG};

/// Returns a code's page for people: headings stand out, examples are indented and left as they are.
#[must_use]
pub fn page(code: Code, width: Option<usize>) -> String {
    let (mut out, mut paragraph) = (String::new(), Vec::new());
    let mut is_example = false;
    for line in code.page().lines().chain([""]) {
        let is_text =
            !is_example && !line.is_empty() && !line.starts_with(['#', '|']) && !line.starts_with("```");
        let goes_on = width.is_some() && is_text && !line.starts_with("- ");
        if !goes_on {
            end_paragraph(&mut out, &mut paragraph, width);
        }
        if line.starts_with("```") {
            is_example = !is_example;
        } else if is_example && !line.is_empty() {
            let _ = writeln!(out, "    {QUIET}{line}{QUIET:#}");
        } else if let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("# ")) {
            let _ = writeln!(out, "{STRONG}{heading}{STRONG:#}");
        } else if is_text && width.is_some() {
            paragraph.push(line.trim());
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

/// Writes the lines of a paragraph, or of an item of a list, as one that fits the terminal.
fn end_paragraph(out: &mut String, lines: &mut Vec<&str>, width: Option<usize>) {
    if lines.is_empty() {
        return;
    }
    let line = lines.join(" ") + "\n";
    let hanging = if line.starts_with("- ") { "  " } else { "" };
    *out += &text::wrapped_below(&line, hanging, width);
    lines.clear();
}

/// Returns every code with its one-line meaning, in the order of [`Code::ALL`].
#[must_use]
pub fn codes(width: Option<usize>) -> String {
    let longest = Code::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or_default();
    let mut out = String::new();
    for code in Code::ALL {
        let name = format!("{:longest$}", code.as_str());
        let _ = writeln!(out, "{STRONG}{name}{STRONG:#}  {}", code.summary());
    }
    text::wrapped(&out, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_headings_and_indented_examples() {
        let plain = anstream::adapter::strip_str(&page(Code::SeveralDocuments, None)).to_string();
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
    fn at_a_terminal_paragraphs_fit_and_examples_stay_as_they_are() {
        for code in Code::ALL {
            for width in [40, 80] {
                let plain = anstream::adapter::strip_str(&page(*code, Some(width))).to_string();
                let is_text =
                    |line: &&str| !line.starts_with("    ") && line.contains(' ') && !line.starts_with('|');
                for line in plain.lines().filter(is_text) {
                    let longest = line.split(' ').map(str::len).max().unwrap_or_default();
                    assert!(
                        line.chars().count() <= width || longest + 30 > width,
                        "{code:?} at {width}: {line}"
                    );
                }
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                let piped = anstream::adapter::strip_str(&page(*code, None)).to_string();
                assert_eq!(words(&plain), words(&piped), "nothing is lost");
            }
        }
    }

    #[test]
    fn the_list_has_one_line_for_each_code() {
        let plain = anstream::adapter::strip_str(&codes(None)).to_string();
        assert_eq!(plain.lines().count(), Code::ALL.len());
        assert!(plain.contains("\nunknown-name               A reference to something"), "{plain}");
    }
}
