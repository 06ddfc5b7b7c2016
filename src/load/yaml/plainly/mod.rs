//! The quick reader, of what is written so plainly that no two YAML readers could take it differently.
//!
//! Most files are: keys and one-line values, lists, block texts of even indentation, brackets. Whatever goes beyond
//! (aliases, escapes, folded lines, tabs, a `?` key, explicit documents), whatever is wrong and whatever is in
//! doubt is not plain, and is left to the two readers, who alone have anything to say about a text. Builds with debug
//! assertions prove of every text that is read here that those two read it alike, down to each node's bytes.

mod line;
mod text;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Source;
use crate::load::yaml::key;
use crate::load::yaml::scalar;
use crate::load::yaml::tree::{Kind, NodeId, Tree};

/// Deepest nesting of what is plain.
const DEPTH_MAX: usize = 32;

/// Longest key: readers look no further than 1024 characters for its colon.
const KEY_BYTES_MAX: usize = 512;

/// Reads a document, if it is written plainly from its first to its last byte.
pub(super) fn read(source: &Arc<Source>) -> Option<Tree> {
    let text = source.text();
    if !line::has_only_usual_characters(text) {
        return None;
    }
    let tree = Tree::new(source);
    let mut reader = Reader { text, at: 0, next: None, depth: 0, tree, waiting: Vec::with_capacity(64) };
    reader.next_line();
    // What does not begin at the margin is unusual, if nothing else.
    let root = (reader.next? == 0).then(|| reader.block(0))??;
    if reader.next.is_some() {
        return None;
    }
    reader.tree.set_root(root);
    reader.tree.shrink();
    Some(reader.tree)
}

/// Where a scalar stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Context {
    Block,
    Flow,
}

/// A scalar that was found, and is in no tree yet.
#[derive(Clone, Copy, Debug)]
struct Found {
    start: usize,
    end: usize,
    is_plain: bool,
}

/// Each step returns nothing where something is not plain.
struct Reader<'text> {
    text: &'text str,
    /// The next byte to look at.
    at: usize,
    /// How far the next line with anything on it is indented, where one was looked for: `at` is behind that.
    next: Option<usize>,
    depth: usize,
    tree: Tree,
    /// The nodes of collections that are still open.
    waiting: Vec<NodeId>,
}

impl<'text> Reader<'text> {
    /// Goes one level deeper.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Option<NodeId>) -> Option<NodeId> {
        self.depth += 1;
        let node = (self.depth <= DEPTH_MAX).then(|| read(self))?;
        self.depth -= 1;
        node
    }

    /// Reads the node that begins a line, or what stands behind a dash as if it did, at a column.
    fn block(&mut self, column: usize) -> Option<NodeId> {
        if self.is_dash() {
            return self.deeper(|reader| reader.block_sequence(column, false));
        }
        if matches!(self.byte()?, b'[' | b'{') {
            let node = self.flow(column)?;
            self.end_of_line()?;
            return Some(node);
        }
        let found = self.scalar(Context::Block)?;
        if self.is_colon() {
            return self.deeper(|reader| reader.block_mapping(column, found));
        }
        let node = self.add_value(found)?;
        self.end_of_line()?;
        Some(node)
    }

    /// Reads a mapping whose first key was found already.
    fn block_mapping(&mut self, column: usize, first: Found) -> Option<NodeId> {
        let node = self.tree.begin(first.start..first.start, true);
        let own = self.waiting.len();
        let mut found = first;
        loop {
            let key = self.add_key(found)?;
            self.waiting.push(key);
            self.at += 1;
            let value = self.behind_colon(column)?;
            self.waiting.push(value);
            if self.next != Some(column) {
                break;
            }
            found = self.scalar(Context::Block).filter(|_| self.is_colon())?;
        }
        self.end(node, own, first.start, None)
    }

    /// Reads a list; one that stands as far left as the key it belongs to is told by `is_at_key`.
    fn block_sequence(&mut self, column: usize, is_at_key: bool) -> Option<NodeId> {
        let dash = self.at;
        let node = self.tree.begin(dash..dash, false);
        let own = self.waiting.len();
        let mut start = None;
        loop {
            self.at += 1;
            let (item, begins) = self.behind_dash(column, is_at_key)?;
            self.waiting.push(item);
            start.get_or_insert(begins);
            if self.next != Some(column) || !self.is_dash() {
                break;
            }
        }
        // Of such a list, the tree's parser counts the first dash as nobody's.
        let start = start.filter(|_| is_at_key).unwrap_or(dash);
        self.end(node, own, start, None)
    }

    /// Reads the value of a key in a mapping that stands at a column.
    fn behind_colon(&mut self, column: usize) -> Option<NodeId> {
        let spaces = self.spaces();
        self.anchor()?;
        if self.end_line_behind(spaces) {
            return match self.next? {
                below if below == column && self.is_dash() => {
                    self.deeper(|reader| reader.block_sequence(column, true))
                }
                below if below > column => self.block(below),
                _ => None,
            };
        }
        self.inline(column)
    }

    /// Reads an item of a list whose dashes stand at a column, and says where it begins.
    fn behind_dash(&mut self, column: usize, is_at_key: bool) -> Option<(NodeId, usize)> {
        let spaces = self.spaces();
        if self.end_line_behind(spaces) {
            let below = self.next.filter(|below| *below > column && !is_at_key)?;
            let begins = self.at;
            return Some((self.block(below)?, begins));
        }
        let begins = self.at;
        let is_anchored = self.anchor()?;
        let item = if is_anchored || matches!(self.byte()?, b'|' | b'>') {
            self.inline(column)?
        } else {
            self.block(column + 1 + spaces)?
        };
        Some((item, begins))
    }

    /// Reads a value on the line of its key or dash, and ends the line.
    fn inline(&mut self, column: usize) -> Option<NodeId> {
        let node = match self.byte()? {
            b'|' | b'>' => return self.block_text(column),
            b'[' | b'{' => self.flow(column)?,
            _ => {
                let found = self.scalar(Context::Block)?;
                self.add_value(found)?
            }
        };
        self.end_of_line()?;
        Some(node)
    }

    /// Skips an anchor, if there is one. Nothing refers to it, or the text is not plain.
    fn anchor(&mut self) -> Option<bool> {
        if self.byte() != Some(b'&') {
            return Some(false);
        }
        self.at += 1;
        let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let length = self.text.as_bytes()[self.at..].iter().take_while(is_of_name).count();
        self.at += length;
        // What an anchor at the end of a line stands for is told by lines further down: that is not plain.
        (length > 0 && self.spaces() > 0 && !self.is_line_over(1)).then_some(true)
    }

    /// Reads a list or mapping in brackets. Where it goes on on other lines, those are indented deeper than `column`.
    fn flow(&mut self, column: usize) -> Option<NodeId> {
        self.deeper(|reader| {
            let is_mapping = reader.byte()? == b'{';
            let close = if is_mapping { b'}' } else { b']' };
            let start = reader.at;
            let node = reader.tree.begin(start..start, is_mapping);
            let own = reader.waiting.len();
            reader.at += 1;
            loop {
                reader.flow_space(column)?;
                if reader.byte()? == close {
                    break;
                }
                if is_mapping {
                    let found = reader.scalar(Context::Flow).filter(|_| reader.is_colon())?;
                    let key = reader.add_key(found)?;
                    reader.waiting.push(key);
                    reader.at += 1;
                    reader.flow_space(column)?;
                }
                let value = if matches!(reader.byte()?, b'[' | b'{') {
                    reader.flow(column)?
                } else {
                    let found = reader.scalar(Context::Flow)?;
                    reader.add_value(found)?
                };
                reader.waiting.push(value);
                reader.flow_space(column)?;
                match reader.byte()? {
                    b',' => reader.at += 1,
                    byte if byte == close => {}
                    _ => return None,
                }
            }
            reader.at += 1;
            reader.end(node, own, start, Some(reader.at))
        })
    }

    /// Skips what may stand between the pieces of what is in brackets.
    fn flow_space(&mut self, column: usize) -> Option<()> {
        let spaces = self.spaces();
        if self.end_line_behind(spaces) {
            self.next.filter(|indent| *indent > column)?;
        }
        Some(())
    }

    /// Adds a scalar as a key, if it is text to all readers.
    fn add_key(&mut self, found: Found) -> Option<NodeId> {
        let is_certain =
            found.end - found.start <= KEY_BYTES_MAX && key::is_text(self.read(found), found.is_plain);
        is_certain.then(|| self.add(found))
    }

    /// Adds a scalar as a value, if it is the same value to all readers.
    fn add_value(&mut self, found: Found) -> Option<NodeId> {
        let is_certain = !found.is_plain || scalar::read(self.read(found)).is_ok();
        is_certain.then(|| self.add(found))
    }

    fn add(&mut self, found: Found) -> NodeId {
        self.tree.add_scalar(found.start..found.end, self.read(found), found.is_plain)
    }

    /// Returns a scalar's text, without its quotes.
    fn read(&self, Found { start, end, is_plain }: Found) -> &'text str {
        let quotes = usize::from(!is_plain);
        &self.text[start + quotes..end - quotes]
    }

    /// Ends a list or mapping: at `end`, or with the last of its nodes, which wait from `own` on.
    fn end(&mut self, node: NodeId, own: usize, start: usize, end: Option<usize>) -> Option<NodeId> {
        let last = self.waiting[own..].last();
        let end = end.or_else(|| last.map(|last| self.tree.range(*last).end))?;
        self.tree.end(node, start..end, &self.waiting[own..]);
        self.waiting.truncate(own);
        let Kind::Mapping(entries) = self.tree.kind(node) else { return Some(node) };
        if !Tree::needs_index(entries.len()) {
            let mut keys = entries.iter().enumerate();
            let text = |key: NodeId| self.tree.key_text(key);
            let stands_twice = keys.any(|(place, [key, _])| {
                entries[..place].iter().any(|[other, _]| text(*other) == text(*key))
            });
            return (!stands_twice).then_some(node);
        }
        let mut places: HashMap<Box<str>, usize> = HashMap::with_capacity(entries.len());
        for (place, [key, _]) in entries.iter().enumerate() {
            if places.insert(self.tree.key_text(*key)?.into(), place).is_some() {
                return None;
            }
        }
        self.tree.index(node, places);
        Some(node)
    }
}
