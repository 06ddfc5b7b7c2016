//! HTML in which a text stays a text.
//!
//! `maud` escapes what it is given; what is hidden is written out before that, as in every other medium. Knows no plan.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::Render;
use sha2::{Digest, Sha256};

use crate::render::escape;

/// One line of foreign text.
pub(super) struct Foreign<'a>(pub(super) &'a str);

impl Render for Foreign<'_> {
    fn render_to(&self, buffer: &mut String) {
        Plain(&escape::plain(self.0)).render_to(buffer);
    }
}

/// A text in which nothing is hidden any more. What a log's reader may take for a command where the page is printed is written as
/// entities, which a browser shows as they were.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl Render for Plain<'_> {
    fn render_to(&self, buffer: &mut String) {
        let mut rest = self.0;
        while let Some(at) = ["::", "##"].iter().filter_map(|mark| rest.find(mark)).min() {
            rest[..=at].render_to(buffer);
            buffer.push_str(if rest[at..].starts_with(':') { "&#58;" } else { "&#35;" });
            rest = &rest[at + 2..];
        }
        rest.render_to(buffer);
    }
}

/// Foreign text of any number of lines.
pub(super) struct ForeignLines<'a>(pub(super) &'a str);

impl Render for ForeignLines<'_> {
    fn render_to(&self, buffer: &mut String) {
        for (place, line) in self.0.lines().enumerate() {
            if place > 0 {
                buffer.push('\n');
            }
            Foreign(line).render_to(buffer);
        }
    }
}

/// Returns what a browser may do with a page whose one style is this: nothing but that.
pub(super) fn content_security_policy(style: &str) -> String {
    let digest = STANDARD.encode(Sha256::digest(style));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

/// Returns the language of a text, where that matters to who draws or reads it aloud and is not the page's: Chinese shares its
/// characters with Japanese, and is neither drawn nor read as that.
pub(super) fn language(text: &str) -> Option<&'static str> {
    if text.is_ascii() {
        return None;
    }
    let is_of_neighbour = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{ac00}'..='\u{d7af}');
    let has_han = text.chars().any(|c| {
        matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
    });
    (has_han && !text.chars().any(is_of_neighbour)).then_some("zh-CN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup_whatever_is_in_it() {
        let foreign = |text: &str| Foreign(text).render().into_string();
        assert_eq!(foreign("</script><b>&lt;\"'"), "&lt;/script&gt;&lt;b&gt;&amp;lt;&quot;'");
        assert_eq!(foreign("a\u{202e}b\u{0}\n"), "a\\u{202e}b\\u{0}\\n");
        let lines = ForeignLines("工资 <b>\r\n\u{1b}[31m👩\u{200d}💻").render().into_string();
        assert_eq!(lines, "工资 &lt;b&gt;\n\\u{1b}[31m👩\u{200d}💻");
    }

    #[test]
    fn a_log_in_which_a_page_is_printed_finds_no_command() {
        let lines = ForeignLines("::error::x\n###[group]y: z").render().into_string();
        assert_eq!(lines, ":&#58;error:&#58;x\n#&#35;#[group]y: z");
    }

    #[test]
    fn a_text_is_chinese_where_it_has_chinese_characters_and_no_neighbours() {
        let found = ["工资到账 Payday", "Payday", "給料が入りました", "월급 工", "שכר", "🎉"].map(language);
        assert_eq!(found, [Some("zh-CN"), None, None, None, None, None]);
    }

    #[test]
    fn a_style_is_allowed_by_its_own_digest() {
        // printf 'a{}' | openssl dgst -sha256 -binary | base64
        let style = "style-src 'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='";
        let policy = format!("default-src 'none'; {style}; base-uri 'none'; form-action 'none'");
        assert_eq!(content_security_policy("a{}"), policy);
    }
}
