//! Ids and values that a program on the way has changed, as far as their form tells.
//!
//! Spreadsheets take ids for numbers, and exports write words for nothing. Each form is rare among what is meant, and none
//! is impossible: so it is worth a look, and stops nothing. A few bytes decide for nearly every text.

use crate::domain::is_invisible;

/// What a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// `1.23457E+11`: the digits behind are gone, and several ids became one.
    Exponent,
    /// `1001.0`: a whole number that was a column of fractions on the way.
    Fraction,
    /// `'00123`: the mark of a spreadsheet for text.
    Apostrophe,
    /// `="00123"`: a formula of a spreadsheet.
    Formula,
    /// `NULL`, `\N`, `NaN`: a word for nothing.
    NullWord,
    /// A zero-width character in the middle.
    Invisible,
}

/// Words for nothing: of databases, Hive, pandas, JavaScript, Python, Go and spreadsheets.
const NULL_WORDS: [&str; 19] = [
    "NULL",
    "null",
    "Null",
    "<null>",
    "(null)",
    "[null]",
    "<NULL>",
    "(NULL)",
    "[NULL]",
    "\\N",
    "NaN",
    "nan",
    "<NA>",
    "None",
    "nil",
    "undefined",
    "#N/A",
    "N/A",
    "n/a",
];

/// The longest of them.
const NULL_WORD_BYTES_MAX: usize = 9;

impl Suspicion {
    /// Every one, in the order of reports.
    pub const ALL: [Self; 6] =
        [Self::Exponent, Self::Fraction, Self::Apostrophe, Self::Formula, Self::NullWord, Self::Invisible];

    /// Looks at an id.
    #[must_use]
    #[inline]
    pub fn of_id(id: &str) -> Option<Self> {
        let bytes = id.as_bytes();
        let [first, second, ..] = bytes else { return None };
        // A number of a spreadsheet has a point before its last digit, or a plus before its last two or three.
        let behind =
            |from_end: usize| bytes.get(bytes.len().wrapping_sub(from_end)).copied().unwrap_or_default();
        let has_mark = (behind(2) == b'.') | (behind(3) == b'+') | (behind(4) == b'+');
        let may_be_number = has_mark && (first.is_ascii_digit() || *first == b'-');
        let may_be_other = matches!(
            (first, second),
            (b'\'' | b'=' | b'<' | b'(' | b'[', _)
                | (b'N', b'U' | b'u' | b'a' | b'o' | b'/')
                | (b'n', b'u' | b'a' | b'i' | b'/')
                | (b'u', b'n')
                | (b'\\' | b'#', b'N')
        );
        if may_be_number || may_be_other || !id.is_ascii() { Self::look(id) } else { None }
    }

    /// Looks at a value: a phone may well show `5.0` or a word in quotes.
    #[must_use]
    #[inline]
    pub fn of_value(value: &str) -> Option<Self> {
        Self::of_id(value).filter(|suspicion| match suspicion {
            Self::Exponent | Self::Formula | Self::NullWord => true,
            Self::Apostrophe => value.as_bytes().get(1).is_some_and(u8::is_ascii_digit),
            // In people's texts, joiners have a meaning.
            Self::Fraction | Self::Invisible => false,
        })
    }

    #[cold]
    fn look(text: &str) -> Option<Self> {
        if text.len() <= NULL_WORD_BYTES_MAX && NULL_WORDS.contains(&text) {
            return Some(Self::NullWord);
        }
        if let Some(rest) = text.strip_prefix('=') {
            return (rest.len() > 1 && rest.starts_with(['"', '\''])).then_some(Self::Formula);
        }
        if text.len() > 1 && text.starts_with('\'') {
            return Some(Self::Apostrophe);
        }
        let number = text.strip_prefix('-').unwrap_or(text);
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some((mantissa, exponent)) = number.split_once(['E', 'e']) {
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
            let is_number = is_digits(whole) && is_digits(fraction);
            if is_number && exponent.strip_prefix('+').is_some_and(is_digits) {
                return Some(Self::Exponent);
            }
        }
        if number.split_once('.').is_some_and(|(whole, fraction)| is_digits(whole) && fraction == "0") {
            return Some(Self::Fraction);
        }
        text.chars()
            .any(|c| !c.is_ascii() && is_invisible(c) && !c.is_whitespace())
            .then_some(Self::Invisible)
    }

    /// Says what `count` such texts look like, with an example that stands in no file.
    #[must_use]
    pub fn complaint(self, count: u64) -> String {
        let (looks, a_value) =
            if count == 1 { ("looks", "a missing value") } else { ("look", "missing values") };
        match self {
            Self::Exponent => format!("{looks} rounded by a spreadsheet, like `1.23457E+11`"),
            Self::Fraction => {
                format!("{looks} like a number that a table turned into a fraction, such as `1001.0`")
            }
            Self::Apostrophe => format!("{looks} marked as text by a spreadsheet, like `'00123`"),
            Self::Formula => format!("{looks} like a formula of a spreadsheet, such as `=\"00123\"`"),
            Self::NullWord => format!("{looks} like {a_value}, such as `NULL`, `\\N` or `NaN`"),
            Self::Invisible => {
                let have = if count == 1 { "has" } else { "have" };
                format!("{have} an invisible character inside")
            }
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Exponent => "digits are lost: export the column as text from its original source",
            Self::Fraction => "export the column as text or as whole numbers",
            Self::Apostrophe | Self::Formula => {
                "export the column as plain text, without the spreadsheet's mark"
            }
            Self::NullWord => "leave such rows out of the export, or fill in the value that is meant",
            Self::Invisible => "write the id exactly as the app reports it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_on_the_way_make_of_ids_is_known() {
        for (id, suspicion) in [
            ("1.23457E+11", Suspicion::Exponent),
            ("1e+20", Suspicion::Exponent),
            ("-2.5E+100", Suspicion::Exponent),
            ("1001.0", Suspicion::Fraction),
            ("'00123", Suspicion::Apostrophe),
            ("=\"0012345\"", Suspicion::Formula),
            ("NULL", Suspicion::NullWord),
            ("\\N", Suspicion::NullWord),
            ("NaN", Suspicion::NullWord),
            ("None", Suspicion::NullWord),
            ("undefined", Suspicion::NullWord),
            ("#N/A", Suspicion::NullWord),
            ("cust\u{200b}-1", Suspicion::Invisible),
            ("用\u{2060}户", Suspicion::Invisible),
        ] {
            assert_eq!(Suspicion::of_id(id), Some(suspicion), "{id:?}");
        }
        for word in NULL_WORDS {
            assert_eq!(Suspicion::of_id(word), Some(Suspicion::NullWord), "{word}");
            assert!(word.len() <= NULL_WORD_BYTES_MAX);
        }
    }

    #[test]
    fn what_only_resembles_it_is_left_alone() {
        for id in [
            "",
            "1",
            "u1",
            "user-1",
            "1001",
            "10.0.0.1",
            "1.5",
            "1.23",
            "E+11",
            "1E11",
            "a+11",
            "8613800000000",
            "+8613800000000",
            "nullable",
            "Nan Li",
            "n",
            "u",
            "=",
            "'",
            "=a",
            "用户",
            "7e+",
            "user+12",
            "1+12",
        ] {
            assert_eq!(Suspicion::of_id(id), None, "{id:?}");
        }
    }

    #[test]
    fn a_value_may_be_what_an_id_is_not() {
        for value in ["5.0", "'tis", "می\u{200c}خواهم", "Ann", "N"] {
            assert_eq!(Suspicion::of_value(value), None, "{value:?}");
        }
        assert_eq!(Suspicion::of_value("'007"), Some(Suspicion::Apostrophe));
        assert_eq!(Suspicion::of_value("null"), Some(Suspicion::NullWord));
    }
}
