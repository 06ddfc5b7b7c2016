//! What a forge takes as a comment, whoever wrote the texts in it.

use std::borrow::Cow;

use crate::render::escape;

/// How long a comment may be, and what may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommentLimits {
    /// Most characters, counted in UTF-16 units: no forge counts more of them. At least a thousand.
    pub chars_max: usize,
    /// Whether emoji may be in it.
    pub has_emoji: bool,
}

impl CommentLimits {
    /// Takes any text of at most so many characters.
    #[must_use]
    pub fn of_length(chars_max: usize) -> Self {
        Self { chars_max: chars_max.max(1000), has_emoji: true }
    }

    /// Returns a comment as it may be sent, whatever its length: no line of it is a command to the runner that prints it.
    pub(super) fn finished(self, comment: String) -> String {
        let comment = match escape::printed(&comment) {
            Cow::Borrowed(_) => comment,
            Cow::Owned(printed) => printed,
        };
        if self.has_emoji { comment } else { escape::without_emoji(&comment).into_owned() }
    }

    /// Returns a comment as it may be sent, if it is short enough.
    pub(super) fn fitted(self, comment: String) -> Option<String> {
        let comment = self.finished(comment);
        (length(&comment) <= self.chars_max).then_some(comment)
    }

    /// Returns what is left of it beside another text.
    pub(super) fn beside(self, other: &str) -> Self {
        Self { chars_max: self.chars_max.saturating_sub(length(other)), ..self }
    }
}

/// Returns the length of a text in UTF-16 units.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
