//! Placeholders as other tools write them, and ours where none is filled.
//!
//! The vendor fills `#name#`, and a phone shows everything else as it stands.

use std::ops::Range;

use memchr::memmem;

use crate::check::declaration::Declaration;
use crate::check::texts::written_as_meant;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::placeholder_ranges;
use crate::load::model::{CampaignSyntax, TemplateSyntax};

/// What looks like a placeholder and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignPlaceholder {
    /// `{{name}}`, `${name}`, `%{name}`, `{name}`, `<%= name %>`.
    Syntax,
    /// `＃name＃`, as an input method writes it.
    FullWidth,
    /// `#user.name#`: no name has such characters.
    Name,
    /// `#name,`.
    NotClosed,
    /// `#name#` where nothing is filled.
    InValue,
}

/// How other tools enclose a name.
const ENCLOSURES: [(&str, &str); 5] = [("{{", "}}"), ("${", "}"), ("%{", "}"), ("<%", "%>"), ("{", "}")];

/// The signs that look like `#`.
const FULL_WIDTH: [char; 2] = ['\u{ff03}', '\u{fe5f}'];

/// Longest name, in bytes: what stands further apart is no pair.
const NAME_BYTES_MAX: usize = 64;

impl ForeignPlaceholder {
    /// Every one, in the order of reports.
    pub const ALL: [Self; 5] = [Self::Syntax, Self::FullWidth, Self::Name, Self::NotClosed, Self::InValue];

    /// Finds the first one in a template's text.
    #[must_use]
    pub fn in_template(text: &str) -> Option<(Self, Range<usize>)> {
        if !text.contains(['#', '{', '<', FULL_WIDTH[0], FULL_WIDTH[1]]) {
            return None;
        }
        // In their order: a text may have very many.
        let mut own = placeholder_ranges(text).peekable();
        let mut at = 0;
        while let Some(letter) = text[at..].chars().next() {
            while own.next_if(|own| own.start < at).is_some() {}
            if let Some(own) = own.next_if(|own| own.start == at) {
                at = own.end;
                continue;
            }
            if let Some((kind, bytes)) = Self::begins(&text[at..], text[..at].chars().next_back()) {
                return Some((kind, at..at + bytes));
            }
            at += letter.len_utf8();
        }
        None
    }

    /// Finds the first one in a value, which nothing fills any more.
    #[must_use]
    #[inline]
    pub fn in_value(value: &str) -> Option<Self> {
        // Nearly every value has none of their signs.
        let may_be =
            value.bytes().fold(false, |may_be, byte| may_be | matches!(byte, b'#' | b'{' | b'<' | 0xef));
        if may_be { Self::look_into(value) } else { None }
    }

    #[cold]
    fn look_into(value: &str) -> Option<Self> {
        if placeholder_ranges(value).next().is_some() {
            return Some(Self::InValue);
        }
        // A word behind one `#` is a topic.
        Self::in_template(value).map(|(kind, _)| kind).filter(|kind| *kind != Self::NotClosed)
    }

    /// Returns what begins a text, and how long it is.
    fn begins(text: &str, before: Option<char>) -> Option<(Self, usize)> {
        for (open, close) in ENCLOSURES {
            if let Some(inner) = text.strip_prefix(open) {
                // No further than a name may reach: there may be as many that nothing closes as the text is long.
                let near = &inner.as_bytes()[..inner.len().min(NAME_BYTES_MAX + close.len())];
                let Some(length) = memmem::find(near, close.as_bytes()) else { continue };
                let name = inner[..length].trim_matches(['=', '-', ' ']);
                if is_name(name, ".-_|: []()'\"") {
                    return Some((Self::Syntax, open.len() + length + close.len()));
                }
            }
        }
        let is_sign = |c: char| c == '#' || FULL_WIDTH.contains(&c);
        let sign = text.chars().next().filter(|sign| is_sign(*sign))?;
        let inner = &text[sign.len_utf8()..];
        if let Some((length, closing)) = inner.char_indices().find(|(_, c)| is_sign(*c)) {
            let bytes = sign.len_utf8() + length + closing.len_utf8();
            let name = inner[..length].trim();
            // `C# and F#` has a space on one side alone.
            let is_even = inner[..length].starts_with(' ') == inner[..length].ends_with(' ');
            if length <= NAME_BYTES_MAX && is_even && is_name(name, ".-_:[]{}") {
                let is_full_width = sign != '#' || closing != '#';
                return Some((if is_full_width { Self::FullWidth } else { Self::Name }, bytes));
            }
        }
        let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let length = inner.find(|c| !is_of_name(c)).unwrap_or(inner.len());
        let begins_word = before.is_none_or(|before| !before.is_alphanumeric() && !is_sign(before));
        let is_word = inner.starts_with(|first: char| first.is_alphabetic() || first == '_');
        (begins_word && is_word).then_some((Self::NotClosed, sign.len_utf8() + length))
    }

    /// Says what it is, of something that is named before.
    #[must_use]
    pub fn complaint(self) -> &'static str {
        match self {
            Self::Syntax => "a placeholder of another tool, which phones would show",
            Self::FullWidth => "a placeholder in full-width signs, which phones would show",
            Self::Name => "what looks like a placeholder, but is no name: phones would show it",
            Self::NotClosed => "what looks like a placeholder that is not closed",
            Self::InValue => "a placeholder, and values are not filled again",
        }
    }

    /// Says what to do about one in a value.
    #[must_use]
    pub fn help_in_value() -> &'static str {
        "write the text itself: the vendor fills no value"
    }

    /// Says what to do about one in a template.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Syntax | Self::FullWidth => "write `#name#`, here and in the mPaaS console",
            Self::Name => {
                "a name has letters, digits, `_` and `-`: write `#user_name#`, here and in the mPaaS console"
            }
            Self::NotClosed => "write `#name#`, here and in the mPaaS console; if it is a topic, leave it",
            Self::InValue => Self::help_in_value(),
        }
    }
}

/// Whether a text is a name, which may have these characters inside.
fn is_name(text: &str, inside: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_' || "{[".contains(first))
        && text.chars().all(|c| c.is_alphanumeric() || inside.contains(c))
}

/// `foreign-placeholder` in the texts of a template.
pub(super) fn template(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, TemplateSyntax>) {
    for (key, text) in [("title", &declaration.syntax.title), ("body", &declaration.syntax.body)] {
        let Some((kind, range)) = ForeignPlaceholder::in_template(text) else { continue };
        let value = declaration.value(&[key]);
        let place = match (&value, written_as_meant(&value, text)) {
            (Place::Span(span), Some(begins)) => {
                Place::span(&span.source, begins + range.start..begins + range.end)
            }
            _ => value,
        };
        let message = format!("the {key} has {}", kind.complaint());
        out.push(Diagnostic::warning(Code::ForeignPlaceholder, place, message).help(kind.help()));
    }
}

/// `foreign-placeholder` in the values of a campaign.
pub(super) fn values(out: &mut Vec<Diagnostic>, campaign: &Declaration<'_, CampaignSyntax>) {
    for (name, value) in &campaign.syntax.values {
        let Some(kind) = ForeignPlaceholder::in_value(value) else { continue };
        let message = format!("the value of `{name}` has {}", kind.complaint());
        let place = campaign.value(&["values", name]);
        out.push(
            Diagnostic::warning(Code::ForeignPlaceholder, place, message)
                .help(ForeignPlaceholder::help_in_value()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{campaign, diagnose};

    fn found(text: &str) -> Option<(ForeignPlaceholder, &str)> {
        ForeignPlaceholder::in_template(text).map(|(kind, range)| (kind, &text[range]))
    }

    #[test]
    fn what_phones_would_show_is_found_where_it_stands() {
        use ForeignPlaceholder::{FullWidth, Name, NotClosed, Syntax};
        for (text, kind, what) in [
            ("Hi {{name}}", Syntax, "{{name}}"),
            ("Hi {{ user.name }}", Syntax, "{{ user.name }}"),
            ("${money} won", Syntax, "${money}"),
            ("Hi %{name}", Syntax, "%{name}"),
            ("Hi <%= name %>", Syntax, "<%= name %>"),
            ("Hi {name}", Syntax, "{name}"),
            ("您好＃姓名＃", FullWidth, "＃姓名＃"),
            ("Hi #name＃", FullWidth, "#name＃"),
            ("#ok# #user.name#", Name, "#user.name#"),
            ("Hi # name #", Name, "# name #"),
            ("Hi #{name}#", Name, "#{name}#"),
            ("Hi #name, bye", NotClosed, "#name"),
            ("#姓名，您好", NotClosed, "#姓名"),
        ] {
            assert_eq!(found(text), Some((kind, what)), "{text}");
        }
    }

    #[test]
    fn texts_that_people_write_are_left_alone() {
        for text in [
            "Hi #name#",
            "#a##b#",
            "您好 #姓名# #k-1#!",
            "Order #1234",
            "C# and F# are",
            "C#",
            "#1 of 100",
            "a < b",
            "<3",
            "{}",
            "{ }",
            "$5",
            "100%",
            "#",
            "##",
            "A#B",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
        for value in ["Order #12", "#topic", "Ann", "＃", "<3"] {
            assert_eq!(ForeignPlaceholder::in_value(value), None, "{value}");
        }
        assert_eq!(ForeignPlaceholder::in_value("#name#"), Some(ForeignPlaceholder::InValue));
        assert_eq!(ForeignPlaceholder::in_value("{{name}}"), Some(ForeignPlaceholder::Syntax));
    }

    #[test]
    fn a_template_and_its_values_are_worth_a_look() {
        let text = campaign(", values: { name: \"#nick#\" }")
            .replace("title: Title", "title: \"Hi ＃name＃\"")
            .replace("body: Body", "body: \"#name# {{x}}\"");
        insta::assert_snapshot!(diagnose(&text), @r"
        a.yaml:1:39 foreign-placeholder?: the title has a placeholder in full-width signs, which phones would show
            = write `#name#`, here and in the mPaaS console
        a.yaml:1:62 foreign-placeholder?: the body has a placeholder of another tool, which phones would show
            = write `#name#`, here and in the mPaaS console
        a.yaml:5:82 foreign-placeholder?: the value of `name` has a placeholder, and values are not filled again
            = write the text itself: the vendor fills no value
        ");
    }
}
