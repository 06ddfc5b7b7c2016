//! What is in brackets, in quotes or plain.

use std::ops::Range;

use crate::format::layout::INDENTATION;
use crate::format::nodes::{Brackets, Entry, Kind, Node};
use crate::format::printer::Printer;
use crate::format::scalar;

impl Printer<'_> {
    /// Writes a key that needs no `?`, without its colon.
    pub(super) fn key(&mut self, key: &Node) -> Option<()> {
        if let Some(anchor) = &key.anchor {
            self.push(&self.text[anchor.clone()]);
            self.push(" ");
        }
        self.flow(key, 0)?;
        // A colon can be part of an alias's name.
        if matches!(key.kind, Kind::Alias) {
            self.push(" ");
        }
        Some(())
    }

    /// Writes a node that is no block, without its anchor. `indentation` is that of its second line, or, in
    /// brackets, of its last one.
    pub(super) fn flow(&mut self, node: &Node, indentation: usize) -> Option<()> {
        match &node.kind {
            Kind::Absent => {}
            Kind::Alias => self.push(&self.text[node.range.clone()]),
            Kind::Flow => {
                for (place, line) in scalar::flow_lines(&self.text[node.range.clone()]).iter().enumerate() {
                    if place > 0 {
                        self.break_scalar(if line.is_empty() { 0 } else { indentation });
                    }
                    self.push(line);
                }
            }
            Kind::Mapping { entries, brackets: Some(Brackets::Pair) } => {
                self.entry(entries.first()?, indentation)?;
            }
            Kind::Sequence { items, brackets: Some(brackets) } => {
                let is_broken = *brackets == Brackets::Broken;
                let inner = if is_broken { indentation + INDENTATION } else { indentation };
                self.push("[");
                self.begin_entries(is_broken, items.first().map_or(node.range.end, |first| first.start));
                for (place, item) in items.iter().enumerate() {
                    self.begin_entry(is_broken, item.start..item.node.content_start(), inner);
                    if place > 0 {
                        self.space();
                    }
                    self.anchored(&item.node);
                    self.flow(&item.node, inner)?;
                    self.end_entry(items.get(place + 1).map(|next| next.start), node.range.end);
                }
                self.end_entries(is_broken, node.range.end, indentation);
                self.push("]");
            }
            Kind::Mapping { entries, brackets: Some(brackets) } => {
                let is_broken = *brackets == Brackets::Broken;
                let inner = if is_broken { indentation + INDENTATION } else { indentation };
                self.push("{");
                self.begin_entries(is_broken, entries.first().map_or(node.range.end, |first| first.start));
                for (place, entry) in entries.iter().enumerate() {
                    self.begin_entry(is_broken, entry.start..entry.key.range.start, inner);
                    self.space();
                    self.entry(entry, inner)?;
                    self.end_entry(entries.get(place + 1).map(|next| next.start), node.range.end);
                }
                self.end_entries(is_broken, node.range.end, indentation);
                if !entries.is_empty() {
                    self.space();
                }
                self.push("}");
            }
            Kind::Block(_) | Kind::Sequence { .. } | Kind::Mapping { .. } => return None,
        }
        Some(())
    }
    fn anchored(&mut self, node: &Node) {
        if let Some(anchor) = &node.anchor {
            self.push(&self.text[anchor.clone()]);
            // Nothing follows a bare one, not even a space.
            if !matches!(node.kind, Kind::Absent) {
                self.push(" ");
            }
        }
    }

    /// Writes an entry in braces, the comments before its key aside.
    fn entry(&mut self, entry: &Entry, indentation: usize) -> Option<()> {
        let deeper = indentation + INDENTATION;
        let needs_question_mark = entry.needs_question_mark(self.text);
        if needs_question_mark {
            self.push("? ");
            self.anchored(&entry.key);
            self.flow(&entry.key, deeper)?;
        } else {
            self.key(&entry.key)?;
        }
        if entry.colon.is_none() {
            return Some(());
        }
        if needs_question_mark {
            self.space();
        }
        self.push(":");
        let value = &entry.value;
        if let Some(anchor) = &value.anchor {
            self.word(&self.text[anchor.clone()]);
        }
        if matches!(value.kind, Kind::Absent) {
            return Some(());
        }
        let has_own_line = self.before(value.range.start, deeper);
        if has_own_line {
            self.begin_line(deeper, value.range.start);
        } else {
            self.space();
        }
        let is_scalar = matches!(value.kind, Kind::Flow);
        self.flow(value, if has_own_line || is_scalar { deeper } else { indentation })
    }

    fn begin_entries(&mut self, is_broken: bool, first: usize) {
        if is_broken {
            self.behind(first);
            self.is_fresh = true;
        }
    }

    /// Begins an entry's line, if it has one. Comments may stand behind its start: below a `?` or an anchor.
    fn begin_entry(&mut self, is_broken: bool, start: Range<usize>, indentation: usize) {
        if is_broken {
            self.own_lines(start.end, indentation, 0);
            self.begin_line(indentation, start.start);
        }
    }

    fn end_entry(&mut self, next: Option<usize>, end: usize) {
        if next.is_some() {
            self.part_colon();
            self.push(",");
        }
        self.behind(next.unwrap_or(end));
    }

    /// A colon with no value needs a space behind it, to be one to every reader.
    fn part_colon(&mut self) {
        if self.out.ends_with(':') {
            self.push(" ");
        }
    }

    fn end_entries(&mut self, is_broken: bool, end: usize, indentation: usize) {
        if is_broken {
            self.own_lines(end, indentation + INDENTATION, 0);
            self.is_fresh = true;
            self.begin_line(indentation, end);
        } else {
            self.part_colon();
        }
    }
}
