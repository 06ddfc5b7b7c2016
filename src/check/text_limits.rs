//! Whether titles and bodies are too long for the channels that a push can go through.
//!
//! Knows no template and no file: `text_length` measures what YAML says, and `resolve` what each line of an audience
//! file makes of it. How long a vendor's may be, `domain` has.

use crate::check::group::Group;
use crate::diagnostic::number;
use crate::domain::{Channel, LengthUnit, Measure, Phones, Recipients, TEXT_LIMITS, TextLimits, TooLong};

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
        let mut vendors = [false; TEXT_LIMITS.len()];
        for (is_over, limits) in vendors.iter_mut().zip(&TEXT_LIMITS) {
            *is_over = self.has(limits) && limits.unit.count(measure) > limit(limits, text);
        }
        let has_total = self.group.has_android() || self.group.has_ios();
        let is_over_total = text == Text::Body && has_total && total_bytes > TOTAL_BYTES_MAX;
        Excess { vendors, is_over_total }
    }

    /// Whether a push can go through a vendor's channel.
    fn has(self, limits: &TextLimits) -> bool {
        match limits.phones {
            Phones::Harmonyos => self.group.has_harmonyos(),
            // A longer text is shown up to there.
            _ if limits.too_long == TooLong::Shortened => false,
            _ => self.group.has_android() && !self.is_self_built,
        }
    }
}

/// What is too long about a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    vendors: [bool; TEXT_LIMITS.len()],
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
        let names: Vec<&str> = self.limits().map(|limits| limits.phones.as_str()).collect();
        if names.is_empty() {
            "longer than a push can carry".to_owned()
        } else {
            format!("too long for {}", names.join(", "))
        }
    }

    /// Says what the limits are.
    #[must_use]
    pub fn help(self, text: Text) -> String {
        let takes = |limits: &TextLimits| {
            let most = limit(limits, text);
            match limits.unit {
                LengthUnit::Characters => format!("{} takes {}", limits.phones.as_str(), number(most as u64)),
                LengthUnit::HalfWidths => {
                    format!("{} takes {most} (a Chinese character counts as 2)", limits.phones.as_str())
                }
            }
        };
        let mut said: Vec<String> = self.limits().map(takes).collect();
        if self.is_over_total {
            said.push(format!(
                "title and body together take {} bytes on Android and iOS",
                number(TOTAL_BYTES_MAX as u64)
            ));
        }
        format!("{}; a longer push is dropped", said.join(", "))
    }

    fn limits(self) -> impl Iterator<Item = &'static TextLimits> {
        TEXT_LIMITS.iter().zip(self.vendors).filter_map(|(limits, is_over)| is_over.then_some(limits))
    }
}

fn limit(limits: &TextLimits, text: Text) -> usize {
    match text {
        Text::Title => limits.title,
        Text::Body => limits.body,
    }
}
