//! How long titles and bodies may be on each channel (vendor page 311229), and how a text is measured.
//!
//! Knows no template and no file: `text_length` measures what YAML says, and `resolve` what each line of an audience
//! file makes of it.

use crate::check::group::Group;
use crate::diagnostic::number;
use crate::domain::{Channel, Recipients};

/// Most bytes of title and body together, on Android and iOS.
const TOTAL_BYTES_MAX: usize = 2048;

/// Most bytes of a title or body, filled: four times what the most generous channel takes (Honor: 4096). Every
/// campaign fills its template, and a value stands wherever its placeholder does: without a bound two files could
/// amount to more than the memory.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// One of the two texts of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Text {
    /// The title.
    Title,
    /// The body.
    Body,
}

impl Text {
    /// Returns the key that holds it in a template.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
        }
    }
}

/// How long a text is, in each unit that some channel counts in.
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
enum Unit {
    Characters,
    HalfWidths,
}

impl Unit {
    fn count(self, measure: Measure) -> usize {
        match self {
            Self::Characters => measure.characters,
            Self::HalfWidths => measure.half_widths,
        }
    }

    fn limit(self, limit: usize) -> String {
        match self {
            Self::Characters => number(limit as u64),
            Self::HalfWidths => format!("{limit} (a Chinese character counts as 2)"),
        }
    }
}

/// A vendor channel's limits.
struct Limits {
    vendor: &'static str,
    is_android: bool,
    unit: Unit,
    title: usize,
    body: usize,
}

impl Limits {
    fn of(&self, text: Text) -> usize {
        match text {
            Text::Title => self.title,
            Text::Body => self.body,
        }
    }
}

const LIMITS: [Limits; 6] = [
    Limits { vendor: "Huawei", is_android: true, unit: Unit::Characters, title: 40, body: 1024 },
    Limits { vendor: "Honor", is_android: true, unit: Unit::HalfWidths, title: 60, body: 4096 },
    Limits { vendor: "Xiaomi", is_android: true, unit: Unit::Characters, title: 50, body: 128 },
    Limits { vendor: "OPPO", is_android: true, unit: Unit::Characters, title: 32, body: 200 },
    Limits { vendor: "vivo", is_android: true, unit: Unit::HalfWidths, title: 40, body: 100 },
    Limits { vendor: "HarmonyOS", is_android: false, unit: Unit::Characters, title: 30, body: 2048 },
];

/// The channels that a campaign's push can go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    group: Group,
    is_self_built: bool,
}

impl Channels {
    /// Returns the channels to these recipients.
    #[must_use]
    pub fn of(recipients: Recipients, channel: Option<Channel>) -> Self {
        Self::to(Group::to(recipients), channel == Some(Channel::SelfBuilt))
    }

    pub(super) fn to(group: Group, is_self_built: bool) -> Self {
        Self { group, is_self_built }
    }

    /// Returns what is too long about a text. Both texts together are measured with the body.
    #[must_use]
    pub fn excess(self, text: Text, measure: Measure, total_bytes: usize) -> Excess {
        let mut vendors = [false; LIMITS.len()];
        for (is_over, limits) in vendors.iter_mut().zip(&LIMITS) {
            *is_over = self.has(limits) && limits.unit.count(measure) > limits.of(text);
        }
        let has_total = self.group.has_android() || self.group.has_ios();
        let is_over_total = text == Text::Body && has_total && total_bytes > TOTAL_BYTES_MAX;
        Excess { vendors, is_over_total }
    }

    /// Whether a push can go through a vendor's channel.
    fn has(self, limits: &Limits) -> bool {
        if limits.is_android {
            self.group.has_android() && !self.is_self_built
        } else {
            self.group.has_harmonyos()
        }
    }
}

/// What is too long about a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    vendors: [bool; LIMITS.len()],
    is_over_total: bool,
}

impl Excess {
    /// Whether nothing is.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Adds what is too long about the same text, filled in another way.
    pub fn add(&mut self, other: Self) {
        for (mine, theirs) in self.vendors.iter_mut().zip(other.vendors) {
            *mine |= theirs;
        }
        self.is_over_total |= other.is_over_total;
    }

    /// Says what the text is too long for, after “the title is”.
    #[must_use]
    pub fn complaint(self) -> String {
        let names: Vec<&str> = self.limits().map(|limits| limits.vendor).collect();
        if names.is_empty() {
            "longer than a push can carry".to_owned()
        } else {
            format!("too long for {}", names.join(", "))
        }
    }

    /// Says what the limits are.
    #[must_use]
    pub fn help(self, text: Text) -> String {
        let limit =
            |limits: &Limits| format!("{} takes {}", limits.vendor, limits.unit.limit(limits.of(text)));
        let mut said: Vec<String> = self.limits().map(limit).collect();
        if self.is_over_total {
            said.push(format!(
                "title and body together take {} bytes on Android and iOS",
                number(TOTAL_BYTES_MAX as u64)
            ));
        }
        format!("{}; a longer push is dropped", said.join(", "))
    }

    fn limits(self) -> impl Iterator<Item = &'static Limits> {
        LIMITS.iter().zip(self.vendors).filter_map(|(limits, is_over)| is_over.then_some(limits))
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
}
