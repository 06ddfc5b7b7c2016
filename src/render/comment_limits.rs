//! What a forge takes as a comment, whoever wrote the texts in it.

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
        // What is hidden was written out before; so this is for few comments, and it looks at each character.
        let is_obeyed = escape::has_command(&comment);
        let comment = if is_obeyed { escape::printed(&comment).into_owned() } else { comment };
        if self.has_emoji { comment } else { escape::without_emoji(&comment).into_owned() }
    }

    /// Returns a comment as it may be sent, if it is short enough.
    pub(super) fn fitted(self, comment: String) -> Option<String> {
        let comment = self.finished(comment);
        // A unit has at most three bytes, and no byte makes more than one: most are not counted.
        let bytes = comment.len();
        let is_short = bytes <= self.chars_max;
        let fits = is_short || (bytes / 3 <= self.chars_max && length(&comment) <= self.chars_max);
        fits.then_some(comment)
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
