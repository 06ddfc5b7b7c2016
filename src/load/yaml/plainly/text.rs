//! Scalars: bare, in quotes, and texts in blocks.

use crate::load::yaml::plainly::{Context, Found, Reader};
use crate::load::yaml::tree::NodeId;

/// Which bytes are a part of any text that they stand in.
const IS_USUAL: [bool; 256] = {
    let mut is_usual = [true; 256];
    let unusual = b"\n:#,]}[{?\"'&*!|>";
    let mut at = 0;
    while at < unusual.len() {
        is_usual[unusual[at] as usize] = false;
        at += 1;
    }
    is_usual
};

impl Reader<'_> {
    /// Finds a scalar that is written on one line, but for block texts.
    pub(super) fn scalar(&mut self, context: Context) -> Option<Found> {
        match self.byte()? {
            quote @ (b'"' | b'\'') => self.quoted(quote),
            first if first.is_ascii_alphanumeric() || first > 0x7f => self.bare(context),
            _ => None,
        }
    }

    /// Finds a text in quotes that has neither those quotes nor a backslash in it.
    pub(super) fn quoted(&mut self, quote: u8) -> Option<Found> {
        let start = self.at;
        let within = &self.text.as_bytes()[start + 1..];
        let length = within.iter().position(|byte| *byte == quote || matches!(byte, b'\\' | b'\n'))?;
        let end = start + length + 2;
        // Two single quotes in a row are one that is escaped.
        let is_over = within[length] == quote && within.get(length + 1) != Some(&quote);
        self.at = end;
        is_over.then_some(Found { start, end, is_plain: false })
    }

    /// Finds a text without quotes. A colon within a time or an address is text to all.
    pub(super) fn bare(&mut self, context: Context) -> Option<Found> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        while let Some(byte) = bytes.get(at) {
            match byte {
                byte if IS_USUAL[usize::from(*byte)] => {}
                b'\n' => break,
                b':' => match bytes.get(at + 1)? {
                    b' ' | b'\n' => break,
                    next if next.is_ascii_alphanumeric() || *next == b'/' => {}
                    _ => return None,
                },
                b'#' if bytes[at - 1] == b' ' => break,
                b',' | b']' | b'}' if context == Context::Flow => break,
                b'[' | b'{' | b'?' | b'"' | b'\'' | b'&' | b'*' | b'!' | b'|' | b'>'
                    if context == Context::Flow =>
                {
                    return None;
                }
                _ => {}
            }
            at += 1;
        }
        let text = self.text[start..at].trim_end_matches(' ');
        self.at = start + text.len();
        // A blank that is no space is not seen at the end of a text.
        let is_seen = |end: char| end.is_ascii() || !end.is_whitespace();
        let is_seen =
            text.chars().next().is_some_and(is_seen) && text.chars().next_back().is_some_and(is_seen);
        is_seen.then_some(Found { start, end: start + text.len(), is_plain: true })
    }

    /// Reads a block text of which each line has the same indentation and none is empty.
    pub(super) fn block_text(&mut self, column: usize) -> Option<NodeId> {
        let bytes = self.text.as_bytes();
        let joint = if self.byte()? == b'|' { '\n' } else { ' ' };
        self.at += 1;
        let is_stripped = self.byte() == Some(b'-');
        self.at += usize::from(is_stripped);
        self.spaces();
        if self.byte() != Some(b'\n') {
            return None;
        }
        self.at += 1;
        let margin = self.spaces();
        if margin <= column {
            return None;
        }
        let start = self.at;
        let mut text = String::new();
        let end = loop {
            let rest = &self.text[self.at..];
            // Texts that end with the file, without a line break, end differently to different readers.
            let line = &rest[..rest.find('\n')?];
            if line.is_empty() || line.starts_with(' ') || line.ends_with(char::is_whitespace) {
                return None;
            }
            text.push_str(line);
            let end = self.at + line.len();
            self.at = end + 1;
            let line_start = self.at;
            if self.spaces() < margin || matches!(bytes.get(line_start + margin), None | Some(b'\n')) {
                self.at = line_start;
                break end;
            }
            self.at = line_start + margin;
            text.push(joint);
        };
        if !is_stripped {
            text.push('\n');
        }
        let node = self.tree.add_scalar(start..end, &text, false);
        // Empty lines may follow, and nothing that could be taken for a part of the text.
        loop {
            let line_start = self.at;
            let indent = self.spaces();
            match self.byte() {
                Some(b'\n') if indent <= margin => self.at += 1,
                Some(b'\n') => return None,
                Some(_) if indent > column => return None,
                _ => {
                    self.at = line_start;
                    self.next_line();
                    return Some(node);
                }
            }
        }
    }
}
