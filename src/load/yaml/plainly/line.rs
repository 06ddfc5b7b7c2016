//! From line to line: spaces, comments and indentation.

use crate::load::yaml::plainly::Reader;

/// How much is looked through at a time.
const PIECE_BYTES: usize = 64;

/// Whether a text has no tab, carriage return or other control character, no byte-order mark and nothing that breaks
/// a line to some readers.
pub(super) fn has_only_usual_characters(text: &str) -> bool {
    // Whole pieces are looked at without a branch, which is many bytes at a time.
    let is_control = |byte: &u8| matches!(byte, 0..=9 | 11..=31 | 0x7f);
    let begins_unusual = |byte: &u8| matches!(byte, 0xc2 | 0xe2 | 0xef);
    // U+0080 to U+009F; U+2028 and U+2029; U+FEFF, U+FFFE and U+FFFF.
    let is_unusual = |bytes: &[u8]| match bytes {
        [0xc2, second, ..] => *second < 0xa0,
        [0xe2, 0x80, third, ..] => matches!(third, 0xa8 | 0xa9),
        [0xef, 0xbb, third, ..] => *third == 0xbf,
        [0xef, 0xbf, third, ..] => *third >= 0xbe,
        _ => false,
    };
    let bytes = text.as_bytes();
    let has_unusual = |(place, piece): (usize, &[u8])| {
        let mut places = place * PIECE_BYTES..place * PIECE_BYTES + piece.len();
        any(piece, begins_unusual) && places.any(|at| is_unusual(&bytes[at..]))
    };
    !any(bytes, is_control) && !bytes.chunks(PIECE_BYTES).enumerate().any(has_unusual)
}

fn any(bytes: &[u8], is: impl Fn(&u8) -> bool) -> bool {
    bytes.iter().fold(false, |any, byte| any | is(byte))
}

impl Reader<'_> {
    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn byte_behind(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at + 1).copied()
    }

    /// Skips spaces, and returns how many.
    pub(super) fn spaces(&mut self) -> usize {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|byte| **byte == b' ').count();
        self.at += count;
        count
    }

    /// Skips what is left of a line.
    pub(super) fn rest_of_line(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
    }

    /// Goes from the beginning of a line to the next one that has more than a comment.
    pub(super) fn next_line(&mut self) {
        loop {
            let indent = self.spaces();
            match self.byte() {
                Some(b'\n') => self.at += 1,
                Some(b'#') => self.rest_of_line(),
                Some(_) => {
                    self.next = Some(indent);
                    return;
                }
                None => {
                    self.next = None;
                    return;
                }
            }
        }
    }

    /// Ends a line on which nothing but a comment may follow, and goes to the next one.
    pub(super) fn end_of_line(&mut self) -> Option<()> {
        let spaces = self.spaces();
        self.end_line_behind(spaces).then_some(())
    }

    /// Ends a line if nothing but a comment follows behind so many spaces, and goes to the next one.
    pub(super) fn end_line_behind(&mut self, spaces: usize) -> bool {
        let is_over = self.is_line_over(spaces);
        if is_over {
            self.rest_of_line();
            self.next_line();
        }
        is_over
    }

    pub(super) fn is_dash(&self) -> bool {
        self.byte() == Some(b'-') && matches!(self.byte_behind(), Some(b' ' | b'\n'))
    }

    pub(super) fn is_colon(&self) -> bool {
        self.byte() == Some(b':') && matches!(self.byte_behind(), Some(b' ' | b'\n'))
    }

    /// Whether only a comment is left of a line.
    pub(super) fn is_line_over(&self, spaces: usize) -> bool {
        match self.byte() {
            None | Some(b'\n') => true,
            Some(b'#') => spaces > 0,
            Some(_) => false,
        }
    }
}
