//! Lines and comments as they are written.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

/// A text in the making, and what of the old one is still to come.
pub(super) struct Printer<'text> {
    pub(super) text: &'text str,
    pub(super) lines: Lines<'text>,
    pub(super) out: String,
    /// The bytes of block scalars whose value takes in the blank lines below, in the order of writing.
    pub(super) keeping: Vec<Range<usize>>,
    /// Whether the next line has no blank line above it, whatever the text has.
    pub(super) is_fresh: bool,
    /// Those that were not written yet.
    comments: &'text [Range<usize>],
    /// Where the line that is open begins in `out`.
    line_start: usize,
    /// Whether a comment ends it.
    has_comment: bool,
}

impl<'text> Printer<'text> {
    pub(super) fn new(text: &'text str, comments: &'text [Range<usize>]) -> Self {
        Self {
            text,
            lines: Lines::new(text),
            out: String::with_capacity(text.len()),
            keeping: Vec::new(),
            is_fresh: true,
            comments,
            line_start: 0,
            has_comment: false,
        }
    }

    /// Writes on the line that is open.
    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.is_fresh = false;
    }

    /// Writes a space where something stands before it.
    pub(super) fn space(&mut self) {
        if self.is_open() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    /// Writes on the line that is open, apart from what stands there.
    pub(super) fn word(&mut self, text: &str) {
        self.space();
        self.push(text);
    }

    fn is_open(&self) -> bool {
        self.out.len() > self.line_start
    }

    pub(super) fn end_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.line_start = self.out.len();
        self.has_comment = false;
    }

    /// Ends a line within a scalar: there, none is left out and none is added.
    pub(super) fn break_scalar(&mut self, indentation: usize) {
        self.out.push('\n');
        self.line_start = self.out.len();
        self.indent(indentation);
    }

    /// Begins a line for what stands at `at` in the text: below a blank one if that does.
    pub(super) fn begin_line(&mut self, indentation: usize, at: usize) {
        self.end_line();
        if !self.is_fresh && self.lines.is_parted(at) {
            self.out.push('\n');
        }
        self.is_fresh = false;
        self.line_start = self.out.len();
        self.indent(indentation);
    }

    fn indent(&mut self, indentation: usize) {
        self.out.extend(std::iter::repeat_n(' ', indentation));
    }

    /// Writes the comment that stands behind what was written last, if there is one before `limit`. Comments of
    /// neighbouring lines are aligned by hand: one that stood apart keeps its column as far as there is room.
    pub(super) fn behind(&mut self, limit: usize) -> bool {
        let Some((comment, rest)) = self.comments.split_first() else { return false };
        let before = self.lines.before(comment.start);
        let content = before.trim_ascii_end();
        if comment.start >= limit || content.is_empty() || !self.is_open() || self.has_comment {
            return false;
        }
        self.comments = rest;
        let (column, end) = (before.width(), content.width());
        let written = self.out[self.line_start..].width();
        let spaces = if column > end + 1 { column.saturating_sub(written).max(1) } else { 1 };
        self.indent(spaces);
        self.push(&self.text[comment.clone()]);
        self.has_comment = true;
        true
    }

    /// Writes comments on lines of their own: those before `limit` up to the first one that is left of `floor`
    /// in the text.
    pub(super) fn own_lines(&mut self, limit: usize, indentation: usize, floor: usize) -> bool {
        let mut has_any = false;
        while let Some((comment, rest)) = self.comments.split_first() {
            if comment.start >= limit || self.lines.column(comment.start) < floor {
                break;
            }
            self.comments = rest;
            self.begin_line(indentation, comment.start);
            self.push(&self.text[comment.clone()]);
            self.has_comment = true;
            has_any = true;
        }
        has_any
    }

    /// Writes all comments before `limit`; returns whether there are any.
    pub(super) fn before(&mut self, limit: usize, indentation: usize) -> bool {
        let is_behind = self.behind(limit);
        self.own_lines(limit, indentation, 0) || is_behind
    }
}

/// The lines of a text.
pub(super) struct Lines<'text> {
    text: &'text str,
    starts: Vec<usize>,
    /// For each line, whether nothing stands on it.
    are_blank: Vec<bool>,
}

impl<'text> Lines<'text> {
    fn new(text: &'text str) -> Self {
        let (mut starts, mut are_blank, mut start) = (Vec::new(), Vec::new(), 0);
        for line in text.split_inclusive('\n') {
            starts.push(start);
            are_blank.push(line.trim_ascii().is_empty());
            start += line.len();
        }
        Self { text, starts, are_blank }
    }

    /// Returns a place's line, from 0.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Returns what stands before a place on its line.
    fn before(&self, at: usize) -> &'text str {
        &self.text[self.starts.get(self.line(at)).copied().unwrap_or_default()..at]
    }

    /// Returns a place's column in bytes, from 0.
    pub(super) fn column(&self, at: usize) -> usize {
        self.before(at).len()
    }

    /// Returns where a place's line ends.
    pub(super) fn end(&self, at: usize) -> usize {
        self.starts.get(self.line(at) + 1).copied().unwrap_or(self.text.len())
    }

    /// Whether a place's line has a blank one above it.
    fn is_parted(&self, at: usize) -> bool {
        let line = self.line(at);
        line > 0 && self.are_blank[line - 1]
    }
}
