//! What stands where in a text: its nodes with their bytes, and its comments. Values play no part.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// Longest key that loses a `?` before it: without one, YAML 1.2.2 §7.4.2 allows 1024 characters.
const KEY_BYTES_MAX: usize = 1000;

/// A text's root node and its comments.
#[derive(Debug)]
pub(super) struct Document {
    /// The root; absent where nothing but comments is written.
    pub(super) root: Option<Node>,
    /// From `#` to the last byte that is no space, in the order of writing.
    pub(super) comments: Vec<Range<usize>>,
    /// Where `---` stands.
    pub(super) start_marker: Option<usize>,
    /// Where `...` stands.
    pub(super) end_marker: Option<usize>,
}

/// A node as it is written.
#[derive(Debug)]
pub(super) struct Node {
    /// Its bytes, without its anchor; those of a block scalar begin with its header, and of a block collection
    /// with its first dash or key. Empty where nothing is written.
    pub(super) range: Range<usize>,
    /// The `&name` before it.
    pub(super) anchor: Option<Range<usize>>,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing is written.
    Absent,
    /// Plain or in quotes.
    Flow,
    Alias,
    Block(BlockScalar),
    Sequence {
        items: Vec<Item>,
        brackets: Option<Brackets>,
    },
    Mapping {
        entries: Vec<Entry>,
        brackets: Option<Brackets>,
    },
}

/// How a collection in brackets or braces is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brackets {
    /// On one line.
    OneLine,
    /// An entry a line: the first one stands below the bracket, or something inside takes several lines.
    Broken,
    /// One entry of a list in brackets that is a mapping without braces.
    Pair,
}

/// A block scalar.
#[derive(Debug)]
pub(super) struct BlockScalar {
    /// Where its content begins, behind the first line's indentation.
    pub(super) content_start: usize,
    /// Whether anything but line breaks is in its content.
    pub(super) has_content: bool,
    /// Line breaks at the end of its value.
    pub(super) final_breaks: usize,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// Where its dash stands; in brackets, where it begins.
    pub(super) start: usize,
    pub(super) node: Node,
}

/// An entry of a mapping.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where its `?`, its anchor or its key stands.
    pub(super) start: usize,
    pub(super) has_question_mark: bool,
    pub(super) key: Node,
    /// Where its `:` stands.
    pub(super) colon: Option<usize>,
    pub(super) value: Node,
}

impl Node {
    /// Returns where it begins behind anchor and `?`.
    pub(super) fn content_start(&self) -> usize {
        match &self.kind {
            Kind::Mapping { entries, brackets: Some(Brackets::Pair) } => {
                entries.first().map_or(self.range.start, |entry| entry.key.range.start)
            }
            _ => self.range.start,
        }
    }

    /// Whether it takes several lines of text.
    fn is_broken(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Absent | Kind::Alias => false,
            Kind::Flow => text[self.range.clone()].contains('\n'),
            Kind::Block(_) => true,
            Kind::Mapping { entries, brackets: Some(Brackets::Pair) } => {
                entries.iter().any(|entry| entry.is_broken(text))
            }
            Kind::Sequence { brackets, .. } | Kind::Mapping { brackets, .. } => {
                *brackets == Some(Brackets::Broken)
            }
        }
    }
}

impl Entry {
    /// Whether it has to be written with a `?` before its key.
    pub(super) fn needs_question_mark(&self, text: &str) -> bool {
        let key = &text[self.key.range.clone()];
        let is_long = self.has_question_mark && key.len() > KEY_BYTES_MAX;
        is_long || matches!(self.key.kind, Kind::Block(_)) || key.contains('\n')
    }

    fn is_broken(&self, text: &str) -> bool {
        self.key.is_broken(text) || self.value.is_broken(text)
    }
}

/// Reads a text that `load` takes; nothing where it is none.
pub(super) fn read(text: &str) -> Option<Document> {
    let options = granit_parser::options! {
        disallow_directives: true,
        block_scalar_eof_without_line_feed: true,
        emit_anchor_events: true,
        emit_comments: true,
    };
    let mut builder = Builder { text, open: Vec::new(), root: None };
    let mut comments = Vec::new();
    let (mut start_marker, mut end_marker) = (None, None);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.ok()?;
        let range = range(text, span);
        match event {
            Event::Comment(..) => {
                comments.push(range.start..range.start + text[range].trim_ascii_end().len());
            }
            Event::DocumentStart(true, _) => start_marker = Some(range.start),
            Event::DocumentEnd if text[range.clone()].starts_with("...") => end_marker = Some(range.start),
            event => builder.take(&event, range)?,
        }
    }
    comments.sort_by_key(|comment| comment.start);
    let mut root = builder.root;
    if let Some(root) = &mut root {
        let from = start_marker.map_or(0, |marker| marker + "---".len());
        Locator { text, comments: &comments }.locate(root, from)?;
    }
    Some(Document { root, comments, start_marker, end_marker })
}

fn range(text: &str, span: Span) -> Range<usize> {
    let range = span.byte_range().unwrap_or_default();
    let start = text.floor_char_boundary(range.start);
    start..text.floor_char_boundary(range.end).max(start)
}

/// Makes a tree of events.
struct Builder<'text> {
    text: &'text str,
    /// What is still open. A mapping's keys and values alternate.
    open: Vec<(Node, Vec<Node>)>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: &Event<'_>, range: Range<usize>) -> Option<()> {
        match event {
            Event::Scalar(value, style, ..) => {
                let kind = match style {
                    ScalarStyle::Plain if range.is_empty() => Kind::Absent,
                    ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Kind::Flow,
                    ScalarStyle::Literal | ScalarStyle::Folded => Kind::Block(BlockScalar {
                        content_start: range.start,
                        has_content: value.contains(|letter| letter != '\n'),
                        final_breaks: value.len() - value.trim_end_matches('\n').len(),
                    }),
                };
                let end = if matches!(kind, Kind::Flow) {
                    range.start + self.text[range.clone()].trim_ascii_end().len()
                } else {
                    range.end
                };
                self.attach(Node { range: range.start..end, anchor: None, kind })?;
            }
            Event::Alias(_) => self.attach(Node { range, anchor: None, kind: Kind::Alias })?,
            Event::SequenceStart(style, ..) => {
                let brackets = (*style == StructureStyle::Flow).then_some(Brackets::OneLine);
                let kind = Kind::Sequence { items: Vec::new(), brackets };
                self.open.push((Node { range, anchor: None, kind }, Vec::new()));
            }
            Event::MappingStart(style, ..) => {
                let brackets = (*style == StructureStyle::Flow).then(|| {
                    let has_braces = self.text[range.start..].starts_with('{');
                    if has_braces { Brackets::OneLine } else { Brackets::Pair }
                });
                let kind = Kind::Mapping { entries: Vec::new(), brackets };
                self.open.push((Node { range, anchor: None, kind }, Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&range)?,
            // Comes right behind the event of what it stands before.
            Event::Anchor(..) => self.latest()?.anchor = Some(range),
            _ => {}
        }
        Some(())
    }

    fn attach(&mut self, node: Node) -> Option<()> {
        match self.open.last_mut() {
            Some((_, children)) => children.push(node),
            None if self.root.is_none() => self.root = Some(node),
            None => return None,
        }
        Some(())
    }

    fn end(&mut self, end: &Range<usize>) -> Option<()> {
        let (mut node, children) = self.open.pop()?;
        let mut children = children.into_iter();
        match &mut node.kind {
            Kind::Sequence { items, brackets } => {
                items.extend(children.map(|node| Item { start: node.range.start, node }));
                if brackets.is_some() {
                    node.range.end = end.end;
                }
            }
            Kind::Mapping { entries, brackets } => {
                while let (Some(key), Some(value)) = (children.next(), children.next()) {
                    let start = key.range.start;
                    entries.push(Entry { start, has_question_mark: false, key, colon: None, value });
                }
                if *brackets == Some(Brackets::OneLine) {
                    node.range.end = end.end;
                }
            }
            _ => return None,
        }
        self.attach(node)
    }

    /// The node that was attached or opened last.
    fn latest(&mut self) -> Option<&mut Node> {
        match self.open.last_mut() {
            Some((node, children)) => Some(children.last_mut().unwrap_or(node)),
            None => self.root.as_mut(),
        }
    }
}

/// Finds what no event tells: dashes, `?`, `:`, headers, and where block collections end.
struct Locator<'text> {
    text: &'text str,
    comments: &'text [Range<usize>],
}

impl Locator<'_> {
    /// Returns where the next thing stands that is no space and no comment.
    fn next(&self, mut at: usize) -> usize {
        let mut comments = &self.comments[self.comments.partition_point(|comment| comment.end <= at)..];
        loop {
            // Readers pass over a byte-order mark at the start of any line.
            let is_space = |letter: char| letter.is_ascii_whitespace() || letter == '\u{feff}';
            at += self.text[at..].len() - self.text[at..].trim_start_matches(is_space).len();
            match comments.split_first() {
                Some((comment, behind)) if comment.contains(&at) => (at, comments) = (comment.end, behind),
                _ => return at,
            }
        }
    }

    /// Completes a node that stands behind `from`, and returns where it ends.
    fn locate(&self, node: &mut Node, from: usize) -> Option<usize> {
        let from = node.anchor.as_ref().map_or(from, |anchor| anchor.end);
        match &mut node.kind {
            Kind::Absent => node.range = from..from,
            Kind::Flow | Kind::Alias => {}
            Kind::Block(_) => {
                let header = self.next(from);
                let indicators = self.text[header..].strip_prefix(['|', '>'])?;
                let behind =
                    indicators.trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
                node.range = header..node.range.end.max(self.text.len() - behind.len());
            }
            Kind::Sequence { items, brackets: None } => {
                let mut at = from;
                for item in items {
                    item.start = self.next(at);
                    if !self.text[item.start..].starts_with('-') {
                        return None;
                    }
                    at = self.locate(&mut item.node, item.start + 1)?;
                }
                node.range.end = at;
            }
            Kind::Mapping { entries, brackets: brackets @ (None | Some(Brackets::Pair)) } => {
                let mut at = from;
                for entry in entries {
                    at = self.locate_entry(entry, at, brackets.is_some())?;
                }
                node.range.end = at;
            }
            Kind::Sequence { items, brackets: Some(brackets) } => {
                let mut at = node.range.start + 1;
                for (place, item) in items.iter_mut().enumerate() {
                    at = if place == 0 { at } else { self.behind_comma(at)? };
                    item.start = self.next(at);
                    at = self.locate(&mut item.node, at)?;
                }
                let first = items.first().map(|item| item.start);
                let is_broken = items.iter().any(|item| item.node.is_broken(self.text));
                *brackets = self.brackets(&node.range, first, is_broken);
            }
            Kind::Mapping { entries, brackets: Some(brackets) } => {
                let mut at = node.range.start + 1;
                for (place, entry) in entries.iter_mut().enumerate() {
                    at = if place == 0 { at } else { self.behind_comma(at)? };
                    at = self.locate_entry(entry, at, true)?;
                }
                let first = entries.first().map(|entry| entry.start);
                let is_broken = entries.iter().any(|entry| entry.is_broken(self.text));
                *brackets = self.brackets(&node.range, first, is_broken);
            }
        }
        Some(node.range.end)
    }

    fn locate_entry(&self, entry: &mut Entry, from: usize, is_flow: bool) -> Option<usize> {
        entry.start = self.next(from);
        let key_start = entry.key.anchor.as_ref().unwrap_or(&entry.key.range).start;
        // A plain key may begin with one, too. The key of a block scalar is located later than its content.
        entry.has_question_mark = self.text[entry.start..].starts_with('?') && entry.start < key_start;
        let from = entry.start + usize::from(entry.has_question_mark);
        let key_end = self.locate(&mut entry.key, from)?;
        let colon = self.next(key_end);
        let behind = self.text[colon..].strip_prefix(':');
        let is_colon = behind.is_some_and(|behind| {
            let value = &entry.value;
            let value_start = value.anchor.as_ref().unwrap_or(&value.range).start;
            let is_written = !matches!(value.kind, Kind::Absent) || value.anchor.is_some();
            // Without a value, what comes next may be a key that begins with a colon.
            let ends = |next: char| next.is_ascii_whitespace() || (is_flow && ",]}".contains(next));
            if is_written { colon < value_start } else { behind.chars().next().is_none_or(ends) }
        });
        entry.colon = is_colon.then_some(colon);
        self.locate(&mut entry.value, if is_colon { colon + 1 } else { key_end })
    }

    fn behind_comma(&self, at: usize) -> Option<usize> {
        let comma = self.next(at);
        self.text[comma..].starts_with(',').then_some(comma + 1)
    }

    fn brackets(&self, range: &Range<usize>, first: Option<usize>, is_broken: bool) -> Brackets {
        let comment = self.comments.partition_point(|comment| comment.start < range.start);
        let has_comment = self.comments.get(comment).is_some_and(|comment| comment.start < range.end);
        let is_below = first.is_some_and(|first| self.text[range.start..first].contains('\n'));
        if is_broken || has_comment || is_below { Brackets::Broken } else { Brackets::OneLine }
    }
}
