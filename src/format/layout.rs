//! Indentation, quotes, spaces and blank lines.
//!
//! Writes what `nodes` found, node for node and comment for comment. A comment behind something stays behind
//! it. One on a line of its own belongs to what follows, unless it is indented deeper than the key or dash above it, or
//! like the mapping or list that ends above it. No step looks back further than a line, so that time grows with the size alone.

use std::ops::Range;

use crate::format::nodes::{self, Document, Kind, Node};
use crate::format::printer::Printer;
use crate::format::scalar;

/// Columns that each level is indented by.
pub(super) const INDENTATION: usize = 2;

/// A text that was laid out.
pub(super) struct LaidOut {
    pub(super) text: String,
    /// The bytes of block scalars whose value takes in the blank lines below, in the order of writing.
    pub(super) keeping: Vec<Range<usize>>,
}

/// Returns a text laid out anew; nothing where it cannot be read.
pub(super) fn lay_out(text: &str) -> Option<LaidOut> {
    let document = nodes::read(text)?;
    let mut printer = Printer::new(text, &document.comments);
    printer.document(&document)?;
    Some(LaidOut { text: printer.out, keeping: printer.keeping })
}

/// Returns the texts of all comments in the order in which they stand; nothing where it cannot be read.
pub(super) fn comments(text: &str) -> Option<Vec<String>> {
    let document = nodes::read(text)?;
    Some(document.comments.into_iter().map(|comment| text[comment].to_owned()).collect())
}

/// Where a node is written.
#[derive(Clone, Copy)]
struct Slot {
    kind: SlotKind,
    /// The column of the key or dash that it belongs to.
    parent: usize,
    /// The column of lines of its own.
    indentation: usize,
    /// Where that key's colon, or that dash, ends in the text.
    from: usize,
    /// Where what follows begins in the text: comments behind that are not for here.
    limit: usize,
    /// The least column in the text of a comment below it that belongs to it.
    floor: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SlotKind {
    Root,
    /// Behind a key: a scalar that had a line of its own keeps it.
    Value,
    /// Behind a dash or a `?`: what it is begins on the same line.
    Item,
}

impl Slot {
    /// Returns the slot below a node whose lines begin in this one's column.
    fn below(self, kind: SlotKind, range: Range<usize>, column: usize) -> Self {
        Self {
            kind,
            parent: self.indentation,
            indentation: self.indentation + INDENTATION,
            from: range.start,
            limit: range.end,
            floor: column + 1,
        }
    }
}

impl Printer<'_> {
    fn document(&mut self, document: &Document) -> Option<()> {
        let end = document.end_marker.unwrap_or(self.text.len());
        if let Some(start) = document.start_marker {
            self.own_lines(start, 0, 0);
            self.begin_line(0, start);
            self.push("---");
            self.behind(self.lines.end(start));
        }
        if let Some(root) = &document.root {
            let kind = SlotKind::Root;
            self.node(root, Slot { kind, parent: 0, indentation: 0, from: 0, limit: end, floor: 0 })?;
        }
        self.own_lines(end, 0, 0);
        if let Some(end) = document.end_marker {
            self.begin_line(0, end);
            self.push("...");
            self.behind(self.text.len());
            self.own_lines(self.text.len(), 0, 0);
        }
        self.end_line();
        Some(())
    }

    /// Writes a node outside of brackets, with the comments before and behind it.
    fn node(&mut self, node: &Node, slot: Slot) -> Option<()> {
        if let Some(anchor) = &node.anchor {
            if slot.kind == SlotKind::Root {
                self.own_lines(anchor.start, 0, 0);
                self.begin_line(0, anchor.start);
            }
            self.word(&self.text[anchor.clone()]);
        }
        match &node.kind {
            Kind::Absent => {
                self.behind(slot.limit);
                self.is_fresh = true;
                self.own_lines(slot.limit, slot.indentation, slot.floor);
                self.is_fresh = false;
            }
            Kind::Sequence { items, brackets: None } => {
                let mut is_inline = self.begin_collection(node, items.first()?.start, slot);
                let (column, floor) = self.collection_columns(node, slot);
                for (place, item) in items.iter().enumerate() {
                    self.begin_item(is_inline, item.start..item.start, slot.indentation);
                    is_inline = false;
                    self.push("-");
                    let limit = items.get(place + 1).map_or(slot.limit, |next| next.start);
                    self.node(&item.node, slot.below(SlotKind::Item, item.start + 1..limit, column))?;
                }
                self.own_lines(slot.limit, slot.indentation, floor);
            }
            Kind::Mapping { entries, brackets: None } => {
                let mut is_inline = self.begin_collection(node, entries.first()?.key.range.start, slot);
                let (column, floor) = self.collection_columns(node, slot);
                for (place, entry) in entries.iter().enumerate() {
                    self.begin_item(is_inline, entry.start..entry.key.range.start, slot.indentation);
                    is_inline = false;
                    let key_end = entry.key.range.end;
                    let colon = entry.colon.unwrap_or(key_end);
                    if entry.needs_question_mark(self.text) {
                        self.push("?");
                        self.node(
                            &entry.key,
                            slot.below(SlotKind::Item, entry.start + 1..colon, usize::MAX - 1),
                        )?;
                        self.begin_line(slot.indentation, colon);
                        self.push(":");
                    } else {
                        self.key(&entry.key)?;
                        self.push(":");
                    }
                    let from = entry.colon.map_or(key_end, |colon| colon + 1);
                    let limit = entries.get(place + 1).map_or(slot.limit, |next| next.start);
                    self.node(&entry.value, slot.below(SlotKind::Value, from..limit, column))?;
                }
                self.own_lines(slot.limit, slot.indentation, floor);
            }
            Kind::Block(_) => {
                self.begin_scalar(node, slot, false);
                self.block_scalar(node, slot.parent + INDENTATION, slot.kind == SlotKind::Root)?;
            }
            Kind::Flow | Kind::Alias => {
                self.begin_scalar(node, slot, true);
                self.flow(node, slot.indentation.max(INDENTATION))?;
                self.behind(slot.limit);
                self.own_below(slot);
            }
            Kind::Sequence { .. } | Kind::Mapping { .. } => {
                let has_own_line = self.begin_scalar(node, slot, true);
                // Its closing bracket stands below what opened it.
                let is_behind_key = slot.kind == SlotKind::Value && !has_own_line;
                self.flow(node, if is_behind_key { slot.parent } else { slot.indentation })?;
                self.behind(slot.limit);
                self.own_below(slot);
            }
        }
        Some(())
    }

    /// Writes the comments below what is written in one piece, and is no block scalar, that are indented deeper than its key or dash: they are about
    /// it, and stay with it wherever it goes.
    fn own_below(&mut self, slot: Slot) {
        if slot.kind != SlotKind::Root {
            self.own_lines(slot.limit, slot.indentation, slot.floor);
        }
    }

    /// Writes the comments before a block collection; returns whether it begins on the line that is open.
    fn begin_collection(&mut self, node: &Node, first: usize, slot: Slot) -> bool {
        self.is_fresh = true;
        let has_comments = self.before(first, slot.indentation);
        slot.kind == SlotKind::Item && !has_comments && node.anchor.is_none()
    }

    /// Begins the line of an item or an entry, whose comments may reach beyond its start: to behind a `?`.
    fn begin_item(&mut self, is_inline: bool, start: Range<usize>, indentation: usize) {
        if is_inline {
            self.space();
        } else {
            self.own_lines(start.end, indentation, 0);
            self.begin_line(indentation, start.start);
        }
    }

    /// Returns the column in the text that a block collection stands in, and the least one of comments that
    /// belong to it: where a list stands in its key's own column, what follows there is about the next key.
    fn collection_columns(&self, node: &Node, slot: Slot) -> (usize, usize) {
        let column = self.lines.column(node.range.start);
        (column, if slot.kind == SlotKind::Root { 0 } else { column.max(slot.floor) })
    }

    /// Writes the comments before what is no block collection; returns whether it has a line of its own.
    fn begin_scalar(&mut self, node: &Node, slot: Slot, may_keep_line: bool) -> bool {
        let start = node.range.start;
        self.is_fresh = true;
        let has_comments = self.before(start, slot.indentation);
        let was_below =
            may_keep_line && slot.kind == SlotKind::Value && self.text[slot.from..start].contains('\n');
        let is_alone = slot.kind == SlotKind::Root && node.anchor.is_none();
        let has_own_line = has_comments || was_below || is_alone;
        if has_own_line {
            self.begin_line(slot.indentation, start);
        } else {
            self.space();
        }
        has_own_line
    }

    /// Writes a block scalar with the comment behind its header.
    fn block_scalar(&mut self, node: &Node, indentation: usize, is_root: bool) -> Option<()> {
        let Kind::Block(block) = &node.kind else { return None };
        let content_start = block.content_start.saturating_sub(node.range.start);
        let written = scalar::block(&self.text[node.range.clone()], content_start, block, is_root);
        self.push(&written.header);
        self.behind(self.lines.end(node.range.start));
        self.end_line();
        let start = self.out.len();
        for line in &written.lines {
            if !line.is_empty() {
                self.out.extend(std::iter::repeat_n(' ', indentation));
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        self.end_line();
        if written.keeps_breaks {
            self.keeping.push(start..self.out.len());
            self.is_fresh = true;
        }
        Some(())
    }
}
