//! The scan that makes an outline.

use std::ops::Range;
use std::sync::Arc;

use crate::lsp::outline::{Entry, KeyPath, Outline, Scalar, quoted};

/// Deepest nesting that is followed; `load` refuses deeper files.
const DEPTH_MAX: usize = 64;

/// What stands around the rest of a block.
struct Block {
    indent: usize,
    /// Its key's place among the entries; nothing for an item of a list.
    entry: Option<usize>,
    path: KeyPath,
}

/// An open bracket.
struct Bracket {
    is_mapping: bool,
    path: KeyPath,
}

pub(super) struct Scanner<'text> {
    text: &'text str,
    bytes: &'text [u8],
    at: usize,
    outline: Outline,
    blocks: Vec<Block>,
    /// The end of what was read last, white space and comments aside.
    content_end: usize,
}

impl<'text> Scanner<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        let outline = Outline::default();
        Self { text, bytes: text.as_bytes(), at: 0, outline, blocks: Vec::new(), content_end: 0 }
    }

    pub(super) fn scan(mut self) -> Outline {
        while self.at < self.bytes.len() {
            self.line();
            self.at = self.line_end() + 1;
        }
        self.close_blocks(|_| true);
        self.outline
    }

    fn line(&mut self) {
        let line = self.at;
        self.skip_blanks();
        if self.is_at_end_of_line() {
            return;
        }
        let rest = &self.text[self.at..self.line_end()];
        if self.at == line && (rest.starts_with("---") || rest.starts_with("...")) {
            self.close_blocks(|_| true);
            return;
        }
        while self.peek(0) == Some(b'-') && self.peek(1).is_none_or(|next| next.is_ascii_whitespace()) {
            let indent = self.at - line;
            // The items of a key's list may stand right below the key.
            self.close_blocks(|block| {
                block.indent > indent || (block.indent == indent && block.entry.is_none())
            });
            self.open_block(indent, None, "-");
            self.at += 1;
            self.skip_blanks();
        }
        let indent = self.at - line;
        self.close_blocks(|block| block.indent >= indent);
        if !self.is_at_end_of_line() && self.blocks.len() < DEPTH_MAX {
            self.block_content(indent);
        }
    }

    /// Reads a key and its value, or what stands in their place.
    fn block_content(&mut self, indent: usize) {
        let around = self.path();
        if let Some(b'{' | b'[') = self.peek(0) {
            return self.brackets(around, None);
        }
        let start = self.at;
        let (key_end, name) = self.scalar(is_no_delimiter, Some(indent));
        self.at = key_end;
        self.skip_blanks();
        let is_key = self.peek(0) == Some(b':') && self.peek(1).is_none_or(|next| next.is_ascii_whitespace());
        if !is_key || name.is_empty() {
            self.content_end = key_end;
            self.outline.bare.push((around, start..key_end));
            self.at = key_end;
            return;
        }
        let entry = self.entry(&around, &name, start..key_end, Some(indent));
        self.open_block(indent, Some(entry), &name);
        self.at += 1;
        self.block_value(entry, indent);
    }

    fn block_value(&mut self, entry: usize, indent: usize) {
        let slot_start = self.at;
        self.content_end = self.at;
        self.skip_properties();
        match self.peek(0) {
            _ if self.is_at_end_of_line() => {
                self.outline.entries[entry].slot = Some(slot_start..self.at);
            }
            Some(b'{' | b'[') => {
                let path = Arc::clone(&self.outline.entries[entry].path);
                self.brackets(path, Some(indent));
            }
            Some(b'|' | b'>') => self.skip_deeper_lines(indent),
            Some(b'*') => self.content_end = self.at + 1,
            _ => self.value(entry, slot_start, is_no_delimiter, Some(indent)),
        }
    }

    /// Reads the scalar behind a key.
    fn value(
        &mut self,
        entry: usize,
        slot_start: usize,
        is_delimiter: fn(u8) -> bool,
        indent: Option<usize>,
    ) {
        let start = self.at;
        let (end, text) = self.scalar(is_delimiter, indent);
        self.outline.entries[entry].slot = Some(slot_start..end);
        self.outline.entries[entry].value = Some(Scalar { text, range: start..end });
        self.content_end = end;
        self.at = end;
    }

    /// Returns end and text of the scalar that begins here, of which a plain one ends before a delimiter.
    fn scalar(&self, is_delimiter: fn(u8) -> bool, indent: Option<usize>) -> (usize, String) {
        if let Some(b'"' | b'\'') = self.peek(0) {
            let end = quoted::end(self.text, self.at, indent);
            return (end, quoted::text(&self.text[self.at..end]));
        }
        let mut end = self.at;
        while let Some(&byte) = self.bytes.get(end) {
            let next_is_space = self.bytes.get(end + 1).is_none_or(u8::is_ascii_whitespace);
            let is_comment = byte == b'#' && end > 0 && self.bytes[end - 1].is_ascii_whitespace();
            let ends_key = byte == b':' && (next_is_space || is_delimiter(self.bytes[end + 1]));
            if byte == b'\n' || is_comment || ends_key || is_delimiter(byte) {
                break;
            }
            end += 1;
        }
        let text = self.text[self.at..end].trim_end();
        (self.at + text.len(), text.to_owned())
    }

    /// Reads a mapping or list in brackets, to its end or to a line that is indented no more than `indent`.
    fn brackets(&mut self, path: KeyPath, indent: Option<usize>) {
        let mut open = Vec::new();
        let mut around = path;
        loop {
            if let Some(byte @ (b'{' | b'[')) = self.peek(0) {
                if open.len() + around.len() >= DEPTH_MAX {
                    return;
                }
                self.at += 1;
                open.push(Bracket { is_mapping: byte == b'{', path: around });
            }
            let Some(bracket) = open.last() else { return };
            let (is_mapping, path) = (bracket.is_mapping, Arc::clone(&bracket.path));
            let gap = self.at;
            let is_over = !self.skip_space(indent);
            let is_gap = gap > 0 && matches!(self.bytes[gap - 1], b'{' | b',');
            match self.peek(0) {
                _ if is_over => {
                    if is_mapping && is_gap {
                        self.outline.bare.push((path, gap..self.at));
                    }
                    return;
                }
                Some(b'}' | b']') => {
                    if is_mapping && is_gap {
                        self.outline.bare.push((path, gap..self.at));
                    }
                    open.pop();
                    self.at += 1;
                    self.content_end = self.at;
                    if open.is_empty() {
                        return;
                    }
                    // Never the beginning of another bracket: only a comma or an end follows.
                    around = Arc::from([]);
                    if let Some(b'{' | b'[') = self.peek(0) {
                        return;
                    }
                    continue;
                }
                Some(b',' | b':') => self.at += 1,
                Some(b'{' | b'[') => {}
                _ if is_mapping => self.pair(&path, indent),
                _ => self.at = self.scalar(is_flow_delimiter, indent).0.max(self.at + self.character()),
            }
            around = self.inner_path(is_mapping, &path);
        }
    }

    /// Returns the path of a bracket that opens here, within another.
    fn inner_path(&self, is_mapping: bool, path: &KeyPath) -> KeyPath {
        let last = self.outline.entries.last();
        match last.filter(|entry| is_mapping && entry.extent.end == self.at && entry.value.is_none()) {
            Some(entry) => Arc::clone(&entry.path),
            None => joined(path, "-"),
        }
    }

    /// Reads a key and a scalar in brackets; before another bracket, the key alone.
    fn pair(&mut self, path: &KeyPath, indent: Option<usize>) {
        let start = self.at;
        let (key_end, name) = self.scalar(is_flow_delimiter, indent);
        self.at = key_end;
        self.skip_blanks();
        if self.peek(0) != Some(b':') || name.is_empty() {
            self.outline.bare.push((Arc::clone(path), start..key_end));
            self.content_end = key_end;
            self.at = self.at.max(start + self.character_at(start));
            return;
        }
        let entry = self.entry(path, &name, start..key_end, None);
        self.at += 1;
        let slot_start = self.at;
        self.skip_properties();
        match self.peek(0) {
            Some(b'{' | b'[') => {}
            Some(b',' | b'}' | b']') | None => self.outline.entries[entry].slot = Some(slot_start..self.at),
            _ if self.is_at_end_of_line() => self.outline.entries[entry].slot = Some(slot_start..self.at),
            Some(b'*') => self.at = self.scalar(is_flow_delimiter, indent).0.max(self.at + 1),
            _ => self.value(entry, slot_start, is_flow_delimiter, indent),
        }
        self.content_end = self.at;
        self.outline.entries[entry].extent.end = self.at;
    }

    fn entry(&mut self, around: &KeyPath, name: &str, key: Range<usize>, indent: Option<usize>) -> usize {
        self.fill_parent();
        let (path, extent) = (joined(around, name), key.clone());
        self.outline.entries.push(Entry { path, key, value: None, slot: None, extent, indent });
        self.outline.entries.len() - 1
    }

    /// Notes that the innermost key has something below it: no scalar can be typed behind it.
    fn fill_parent(&mut self) {
        if let Some(Block { entry: Some(entry), .. }) = self.blocks.last()
            && self.outline.entries[*entry].value.is_none()
        {
            self.outline.entries[*entry].slot = None;
        }
    }

    fn open_block(&mut self, indent: usize, entry: Option<usize>, name: &str) {
        if self.blocks.len() >= DEPTH_MAX {
            return;
        }
        if entry.is_none() {
            self.fill_parent();
        }
        let path = joined(&self.path(), name);
        self.blocks.push(Block { indent, entry, path });
    }

    /// Closes blocks from the innermost on, while `is_over` of them.
    fn close_blocks(&mut self, is_over: impl Fn(&Block) -> bool) {
        while let Some(block) = self.blocks.pop_if(|block| is_over(block)) {
            if let Some(entry) = block.entry {
                let extent = &mut self.outline.entries[entry].extent;
                extent.end = extent.end.max(self.content_end);
            }
        }
    }

    /// Returns the keys around what stands here.
    fn path(&self) -> KeyPath {
        self.blocks.last().map_or_else(|| Arc::from([]), |block| Arc::clone(&block.path))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn character(&self) -> usize {
        self.character_at(self.at)
    }

    /// Returns the length of the character at an offset; 1 at the end.
    fn character_at(&self, at: usize) -> usize {
        self.text[at..].chars().next().map_or(1, char::len_utf8)
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t') = self.peek(0) {
            self.at += 1;
        }
    }

    /// Skips blanks, anchors and tags.
    fn skip_properties(&mut self) {
        self.skip_blanks();
        while let Some(b'&' | b'!') = self.peek(0) {
            while self.peek(0).is_some_and(|byte| !byte.is_ascii_whitespace()) {
                self.at += 1;
            }
            self.skip_blanks();
        }
    }

    /// Skips white space, line breaks and comments in brackets. Returns whether the brackets go on.
    fn skip_space(&mut self, indent: Option<usize>) -> bool {
        loop {
            self.skip_blanks();
            if self.at >= self.bytes.len() {
                return false;
            }
            if !self.is_at_end_of_line() {
                return true;
            }
            let line = self.line_end() + 1;
            let rest = self.text.get(line..).unwrap_or_default();
            let content = rest.trim_start_matches([' ', '\t']);
            let column = rest.len() - content.len();
            let is_blank = content.is_empty() || content.starts_with(['\r', '\n', '#']);
            let is_closed_there = content.starts_with(['}', ']']);
            if !is_blank && !is_closed_there && indent.is_some_and(|indent| column <= indent) {
                return false;
            }
            self.at = line.min(self.bytes.len());
        }
    }

    /// Skips the lines of a block scalar; its first one is this line's rest.
    fn skip_deeper_lines(&mut self, indent: usize) {
        loop {
            let end = self.line_end();
            self.content_end = end;
            let rest = self.text.get(end + 1..).unwrap_or_default();
            let content = rest.trim_start_matches(' ');
            let is_blank = content.starts_with(['\r', '\n']);
            self.at = end;
            if content.is_empty() || (!is_blank && rest.len() - content.len() <= indent) {
                return;
            }
            self.at = end + 1;
        }
    }

    /// Whether nothing but a comment is left of the line.
    fn is_at_end_of_line(&self) -> bool {
        match self.peek(0) {
            None | Some(b'\n') => true,
            Some(b'\r') => self.peek(1) == Some(b'\n'),
            Some(b'#') => self.at == 0 || self.bytes[self.at - 1].is_ascii_whitespace(),
            _ => false,
        }
    }

    fn line_end(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.iter().position(|byte| *byte == b'\n').map_or(self.bytes.len(), |length| self.at + length)
    }
}

fn is_no_delimiter(_: u8) -> bool {
    false
}

fn is_flow_delimiter(byte: u8) -> bool {
    matches!(byte, b',' | b'{' | b'}' | b'[' | b']')
}

fn joined(path: &KeyPath, name: &str) -> KeyPath {
    path.iter().cloned().chain([Box::from(name)]).collect()
}
