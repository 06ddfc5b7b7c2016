//! How long titles and bodies may be on each vendor's phones (vendor page 311229), and how a text is measured.
//!
//! Knows no template: whoever has a text asks.

use crate::domain::Phones;

/// How long a text is, in each unit that some vendor counts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Characters of any script.
    pub characters: usize,
    /// A Chinese character counts for two.
    pub half_widths: usize,
    /// Bytes of UTF-8.
    pub bytes: usize,
}

impl Measure {
    /// Measures a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let bytes = text.len();
        if text.is_ascii() {
            return Self { characters: bytes, half_widths: bytes, bytes };
        }
        let characters = text.chars().count();
        let ascii = text.bytes().filter(u8::is_ascii).count();
        Self { characters, half_widths: characters * 2 - ascii, bytes }
    }

    /// Adds a text that stands so many times beside this one.
    #[must_use]
    pub fn plus(self, other: Self, times: usize) -> Self {
        let add = |mine: usize, theirs: usize| mine.saturating_add(theirs.saturating_mul(times));
        Self {
            characters: add(self.characters, other.characters),
            half_widths: add(self.half_widths, other.half_widths),
            bytes: add(self.bytes, other.bytes),
        }
    }

    /// Takes out a text that stands so many times in this one.
    #[must_use]
    pub fn without(self, other: Self, times: usize) -> Self {
        let take = |mine: usize, theirs: usize| mine.saturating_sub(theirs.saturating_mul(times));
        Self {
            characters: take(self.characters, other.characters),
            half_widths: take(self.half_widths, other.half_widths),
            bytes: take(self.bytes, other.bytes),
        }
    }
}

/// How a vendor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// Every character counts for one.
    Characters,
    /// A Chinese character counts for two.
    HalfWidths,
}

impl LengthUnit {
    /// Returns how many of these a measured text has.
    #[must_use]
    pub fn count(self, measure: Measure) -> usize {
        match self {
            Self::Characters => measure.characters,
            Self::HalfWidths => measure.half_widths,
        }
    }
}

/// What becomes of a longer text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// The vendor drops the push.
    Dropped,
    /// The phone shows the beginning.
    Shortened,
}

/// How long a title and a body may be on a vendor's phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLimits {
    /// Whose.
    pub phones: Phones,
    /// How it counts.
    pub unit: LengthUnit,
    /// Most of these in a title.
    pub title: usize,
    /// Most of these in a body.
    pub body: usize,
    /// What becomes of more.
    pub too_long: TooLong,
}

/// Every length that a vendor page gives.
pub const TEXT_LIMITS: [TextLimits; 7] = [
    limits(Phones::Huawei, LengthUnit::Characters, 40, 1024),
    limits(Phones::Honor, LengthUnit::HalfWidths, 60, 4096),
    limits(Phones::Xiaomi, LengthUnit::Characters, 50, 128),
    limits(Phones::Oppo, LengthUnit::Characters, 32, 200),
    limits(Phones::Vivo, LengthUnit::HalfWidths, 40, 100),
    limits(Phones::Harmonyos, LengthUnit::Characters, 30, 2048),
    TextLimits { too_long: TooLong::Shortened, ..limits(Phones::Ios, LengthUnit::HalfWidths, 40, 110) },
];

/// The page that gives these lengths, and where it stands.
pub const TEXT_LENGTHS_SOURCE: (&str, &str) =
    ("mPaaS, lengths of a message", "https://help.aliyun.com/document_detail/311229.html");

const fn limits(phones: Phones, unit: LengthUnit, title: usize, body: usize) -> TextLimits {
    TextLimits { phones, unit, title, body, too_long: TooLong::Dropped }
}

impl TextLimits {
    /// Returns the lengths on a vendor's phones; nothing where no page gives them.
    #[must_use]
    pub fn of(phones: Phones) -> Option<&'static Self> {
        TEXT_LIMITS.iter().find(|limits| limits.phones == phones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_its_parts() {
        for (one, other) in [("", "a"), ("abc", "您好"), ("é 😀", "字 x"), ("字", "")] {
            let both = Measure::of(&format!("{one}{other}{other}"));
            assert_eq!(Measure::of(one).plus(Measure::of(other), 2), both, "{one}|{other}");
            assert_eq!(both.without(Measure::of(other), 2), Measure::of(one), "{one}|{other}");
        }
        assert_eq!(Measure::of("a字é😀"), Measure { characters: 4, half_widths: 7, bytes: 10 });
    }

    #[test]
    fn every_vendors_phones_have_a_length() {
        assert!(Phones::ALL.into_iter().all(|phones| TextLimits::of(phones).is_some()));
    }
}
