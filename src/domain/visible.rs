//! What a reader sees of a text, and what of it nobody would.
//!
//! Two texts that look alike are two names to the vendor, so what draws nothing is refused where a reviewer could not
//! notice it: at the edges, and where it is all there is. Inside a text it is people's language: joiners in Persian, a
//! variation selector in an emoji. Knows nothing of which text it is.

use std::fmt;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// Draws nothing in spite of its category, So: BRAILLE PATTERN BLANK (Unicode 16.0, chapter 21.1).
const BRAILLE_BLANK: char = '\u{2800}';

/// What nobody would see in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextFlaw {
    /// Nothing of it is visible.
    Blank,
    /// Its first character draws nothing.
    Begins(char),
    /// Its last character draws nothing.
    Ends(char),
    /// A control character, or a separator of lines or paragraphs.
    Control(char),
}

/// Whether a text may have line feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFeeds {
    /// It is one line.
    Refused,
    /// It may be several.
    Allowed,
}

impl TextFlaw {
    /// Returns the first flaw of a text that is one line: blank, something invisible at an edge, or a control character.
    #[must_use]
    #[inline]
    pub fn of(text: &str) -> Option<Self> {
        // Nearly every text is of ASCII that draws something, or of spaces inside.
        let is_plain = text.bytes().fold(true, |is_plain, byte| is_plain & matches!(byte, b' '..=b'~'));
        if is_plain && text.bytes().next().is_some_and(|first| first != b' ') && !text.ends_with(' ') {
            return None;
        }
        Self::judge(text)
    }

    #[cold]
    fn judge(text: &str) -> Option<Self> {
        if is_blank(text) {
            return Some(Self::Blank);
        }
        Self::control(text, LineFeeds::Refused).or_else(|| {
            let first = text.chars().next().filter(|first| is_invisible(*first));
            let last = || text.chars().next_back().filter(|_| ends_invisibly(text));
            first.map(Self::Begins).or_else(|| last().map(Self::Ends))
        })
    }

    /// Returns the first control character of a text.
    #[must_use]
    pub fn control(text: &str, line_feeds: LineFeeds) -> Option<Self> {
        let is_refused = |c: &char| is_control(*c) && !(*c == '\n' && line_feeds == LineFeeds::Allowed);
        text.chars().find(is_refused).map(Self::Control)
    }
}

impl fmt::Display for TextFlaw {
    /// Says it of a text that was named before: “`title` begins with white space: U+0020”.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = |c: char| if c.is_whitespace() { "white space" } else { "an invisible character" };
        match *self {
            Self::Blank => formatter.write_str("is blank"),
            Self::Begins(c) => write!(formatter, "begins with {}: U+{:04X}", kind(c), u32::from(c)),
            Self::Ends(c) => write!(formatter, "ends with {}: U+{:04X}", kind(c), u32::from(c)),
            Self::Control(c) => write!(formatter, "contains the control character U+{:04X}", u32::from(c)),
        }
    }
}

/// Whether nothing of a text is visible; so of an empty one.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Whether a character draws nothing: white space, a control character, or what Unicode lets a renderer ignore
/// (`Default_Ignorable_Code_Point`: zero-width characters, joiners, direction marks, fillers, tags, soft hyphens).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_control();
    }
    c.is_whitespace()
        || is_control(c)
        || c == BRAILLE_BLANK
        // Interlinear annotations, which are Cf but not ignorable.
        || matches!(c, '\u{fff9}'..='\u{fffb}')
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a character is one of C0, C1 or DEL, or separates lines or paragraphs.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether the last character draws nothing, and changes nothing of what stands before it either: a variation selector
/// belongs to its ideograph or emoji, and tags to the flag that they spell.
fn ends_invisibly(text: &str) -> bool {
    let is_tag = |c: char| matches!(c, '\u{e0020}'..='\u{e007f}');
    let is_selector = |c: char| matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    let mut back = text.chars().rev();
    let Some(last) = back.next() else { return false };
    if is_tag(last) {
        return back.find(|c| !is_tag(*c)) != Some('\u{1f3f4}');
    }
    if is_selector(last) {
        return back.next().is_none_or(|base| base.is_ascii() || is_invisible(base));
    }
    is_invisible(last)
}

/// Says what is in a text beside visible ASCII characters, and where: no key has anything else.
#[must_use]
pub fn odd_character(text: &str) -> Option<String> {
    let (at, odd) = text.char_indices().find(|(_, c)| !c.is_ascii_graphic())?;
    let place = if at == 0 {
        "begins with"
    } else if text[at..].chars().all(|c| !c.is_ascii_graphic()) {
        "ends with"
    } else {
        "contains"
    };
    let what = match odd {
        '\n' => "a line feed",
        '\r' => "a carriage return",
        ' ' => "a space",
        '\t' => "a tab",
        c if c.is_ascii() => "a control character",
        _ => "a character that is not ASCII",
    };
    Some(format!("{place} {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        TextFlaw::of(text).map_or(String::new(), |flaw| flaw.to_string())
    }

    #[test]
    fn what_nobody_would_see_is_named_by_its_code_point() {
        for (text, flaw) in [
            ("", "is blank"),
            ("\u{200b}", "is blank"),
            ("\u{3164} \u{2800}", "is blank"),
            (" a", "begins with white space: U+0020"),
            ("a\u{a0}", "ends with white space: U+00A0"),
            ("\u{3000}a", "begins with white space: U+3000"),
            ("a\u{200b}", "ends with an invisible character: U+200B"),
            ("\u{2060}a", "begins with an invisible character: U+2060"),
            ("a\u{feff}", "ends with an invisible character: U+FEFF"),
            ("a\u{ad}", "ends with an invisible character: U+00AD"),
            ("a\u{fe0f}", "ends with an invisible character: U+FE0F"),
            ("a\u{e0041}", "ends with an invisible character: U+E0041"),
            ("a\u{202e}", "ends with an invisible character: U+202E"),
            ("a\tb", "contains the control character U+0009"),
            ("a\n", "contains the control character U+000A"),
            ("a\u{85}b", "contains the control character U+0085"),
            ("a\u{2028}b", "contains the control character U+2028"),
            ("a\u{7f}b", "contains the control character U+007F"),
        ] {
            assert_eq!(said(text), flaw, "{text:?}");
        }
    }

    #[test]
    fn peoples_languages_and_emoji_have_no_flaw() {
        for text in [
            "a b",
            "用户 1024",
            "می\u{200c}خواهم",
            "👩\u{200d}💻",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "葛\u{e0100}",
            "e\u{301}",
            "\u{600}1",
        ] {
            assert_eq!(said(text), "", "{text:?}");
        }
    }

    #[test]
    fn line_feeds_alone_are_allowed_where_a_text_may_have_lines() {
        assert_eq!(TextFlaw::control("a\nb\n", LineFeeds::Allowed), None);
        assert_eq!(TextFlaw::control("a\r\nb", LineFeeds::Allowed), Some(TextFlaw::Control('\r')));
        assert_eq!(TextFlaw::control("a\nb", LineFeeds::Refused), Some(TextFlaw::Control('\n')));
    }

    proptest! {
        /// The short way out says the same as the long one.
        #[test]
        fn plain_texts_are_judged_the_same(text in "[ -~\u{200b}é\t]{0,6}") {
            prop_assert_eq!(TextFlaw::of(&text), TextFlaw::judge(&text));
        }
    }
}
