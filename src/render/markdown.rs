//! Markdown as forges read it, in which a text stays a text.
//!
//! A forge makes mentions, references, links and emoji of what it shows as text, whatever was escaped or written as an entity
//! before; what it shows as code it leaves alone. So everything foreign is code, and so is every word of a sentence that is
//! not plainly a word. Knows no plan.

use std::borrow::Cow;

use crate::render::escape;

/// Digits and letters in a row that a forge may take for a commit.
const COMMIT_DIGITS_MIN: usize = 7;

/// The shortest fence.
const FENCE_MIN: usize = 3;

/// One line of Markdown, or the beginning of one.
#[derive(Debug, Default)]
pub(super) struct Line {
    text: String,
}

impl Line {
    /// Adds markup of the tool's own, as it is.
    pub(super) fn markup(mut self, markup: &str) -> Self {
        self.text += markup;
        self
    }

    /// Adds a foreign text as code: nothing in it is hidden, breaks the line, or ends a table's cell.
    pub(super) fn code(mut self, foreign: &str) -> Self {
        let code = escape::plain(foreign).replace('|', "\\u{7c}");
        // Two spans without anything between them would be one.
        if self.text.ends_with('`') {
            self.text.push(' ');
        }
        let fence = "`".repeat(longest_run(&code) + 1);
        let touches =
            code.is_empty() || [' ', '`'].iter().any(|c| code.starts_with(*c) || code.ends_with(*c));
        let pad = if touches { " " } else { "" };
        self.text += &[&fence, pad, &code, pad, &fence].concat();
        self
    }

    /// Adds words: as they are, as far as nothing can be made of them but words, and as code otherwise.
    pub(super) fn words(mut self, words: &str) -> Self {
        let mut odd: Vec<&str> = Vec::new();
        for (place, word) in words.split(' ').enumerate() {
            let is_plain = is_plain(word);
            if is_plain && !odd.is_empty() {
                self = self.code(&odd.join(" "));
                odd.clear();
                self.text.push(' ');
            } else if place > 0 && odd.is_empty() {
                self.text.push(' ');
            }
            if is_plain {
                self.text += word;
            } else {
                odd.push(word);
            }
        }
        if odd.is_empty() { self } else { self.code(&odd.join(" ")) }
    }

    /// Adds a sentence in which names and commands stand in backticks.
    pub(super) fn sentence(mut self, sentence: &str) -> Self {
        for (place, part) in sentence.split('`').enumerate() {
            self = if place % 2 == 0 { self.words(part) } else { self.code(part) };
        }
        self
    }

    /// Returns the line, without a line break.
    pub(super) fn end(self) -> String {
        self.text
    }
}

/// Returns lines in a fence that none of them ends. They may be printed as they are: whoever has them wrote out what is hidden.
///
/// GitLab takes a line that begins with `/` for an order to it (“quick actions”), and its older versions take only a fence of three
/// backticks for code, so such a line's first character is written out.
pub(super) fn fenced(kind: &str, lines: &[String]) -> String {
    let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| unordered(line)).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or_default();
    let fence = "`".repeat(FENCE_MIN.max(longest + 1));
    let mut out = format!("{fence}{kind}\n");
    for line in lines.iter().map(AsRef::as_ref).chain([fence.as_str()]) {
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn unordered(line: &str) -> Cow<'_, str> {
    let at = line.len() - line.trim_start().len();
    match line[at..].strip_prefix('/') {
        Some(rest) => Cow::Owned(format!("{}\\u{{2f}}{rest}", &line[..at])),
        None => Cow::Borrowed(line),
    }
}

/// Returns a foreign text as code within HTML.
pub(super) fn html_code(foreign: &str) -> String {
    let text = escape::plain(foreign);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{text}</code>")
}

/// Returns a foreign name as it may stand in an HTML comment.
pub(super) fn in_comment(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/');
    // Two hyphens may end a comment.
    let name = name.replace("--", "__");
    name.chars().map(|c| if is_plain(c) || c == '-' { c } else { '_' }).collect()
}

/// Counts the backticks of the longest row of them.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// Whether a word is nothing but a word, a number, a day or a time, with the punctuation of a sentence around it.
fn is_plain(word: &str) -> bool {
    let core = word.trim_start_matches('(').trim_end_matches(['.', ',', ';', ':', ')', '?']);
    let is_inner = |c: char| matches!(c, '\'' | '-' | ',');
    let is_letters = core.chars().all(|c| c.is_ascii_alphabetic() || is_inner(c))
        && !core.starts_with(is_inner)
        && !core.ends_with(is_inner);
    let is_number = core.starts_with(|c: char| c.is_ascii_digit())
        && core.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | ','));
    (is_letters || is_number || core == "UTC+8") && !may_be_commit(core)
}

fn may_be_commit(word: &str) -> bool {
    word.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= COMMIT_DIGITS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_and_all_else_is_code() {
        let line = |text: &str| Line::default().words(text).end();
        for plain in [
            "new campaign",
            "Plan: 2 to push (1 204 targets), it's in-flight;",
            "2026-12-15 09:00 (UTC+8)",
            " a ",
        ] {
            assert_eq!(line(plain), plain);
        }
        for (odd, shown) in [
            ("tell @everyone now", "tell `@everyone` now"),
            ("#1 !2 then", "`#1 !2` then"),
            ("see http://x.example/a b.", "see `http://x.example/a` b."),
            ("a@x.example", "`a@x.example`"),
            ("deadbeef", "`deadbeef`"),
            ("<b> **x** _y_", "`<b> **x** _y_`"),
            ("工资 到账", "`工资 到账`"),
            ("a `b", "a `` `b ``"),
            ("x|y", "`x\\u{7c}y`"),
        ] {
            assert_eq!(line(odd), shown);
        }
    }

    #[test]
    fn code_ends_nowhere_within_its_text() {
        let code = |text: &str| Line::default().code(text).end();
        for (text, shown) in [
            ("a", "`a`"),
            ("a`b``c", "```a`b``c```"),
            ("`", "`` ` ``"),
            (" a ", "`  a  `"),
            ("", "`  `"),
            ("a\nb|c", "`a\\nb\\u{7c}c`"),
        ] {
            assert_eq!(code(text), shown);
        }
        assert_eq!(Line::default().sentence("see `a``b`!").end(), "see `a` `b` `!`");
        assert_eq!(fenced("text", &["````".to_owned()]), "`````text\n````\n`````\n");
    }

    #[test]
    fn no_line_of_a_fence_is_an_order_to_gitlab() {
        let lines = ["/merge", "  /close", "a /x", ""].map(str::to_owned);
        assert_eq!(fenced("", &lines), "```\n\\u{2f}merge\n  \\u{2f}close\na /x\n\n```\n");
    }

    #[test]
    fn a_name_leaves_neither_its_comment_nor_its_element() {
        assert_eq!(in_comment("a-b/c --> <x>\n"), "a-b/c______x__");
        assert_eq!(html_code("</code>&"), "<code>&lt;/code&gt;&amp;</code>");
    }
}
