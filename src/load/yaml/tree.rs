//! The span tree: what stands where.
//!
//! Ten thousand files are in memory at a time, so a node takes 24 bytes, and a text that stands in the source as
//! it is is not copied.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Source;
use crate::load::{Entry, Mapping};

/// A node's place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::load) struct NodeId(u32);

impl NodeId {
    /// Returns the node's place in the order of reading, from 0.
    pub(super) fn place(self) -> usize {
        self.0 as usize
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'tree> {
    /// A scalar's text after escapes; plain scalars may be something else than text.
    Scalar { text: &'tree str, is_plain: bool },
    /// A list.
    Sequence(&'tree [NodeId]),
    /// A mapping: keys and values in order.
    Mapping(&'tree [[NodeId; 2]]),
    /// Stands for another node: see [`Tree::target`].
    Alias,
}

#[derive(Debug, PartialEq)]
struct Node {
    start: u32,
    end: u32,
    is: Is,
}

/// A piece of an arena or of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Piece {
    start: u32,
    end: u32,
}

impl Piece {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Debug, PartialEq)]
enum Is {
    Plain(Piece),
    Quoted(Piece),
    /// A text that is not in the source as it is.
    PlainText(u32),
    QuotedText(u32),
    Sequence(Piece),
    Mapping(Piece),
    Alias(NodeId),
}

/// A document's nodes, by reference: an alias costs one node however much it repeats.
#[derive(Debug, PartialEq)]
pub(in crate::load) struct Tree {
    source: Arc<Source>,
    nodes: Vec<Node>,
    /// The nodes of each list, and keys and values of each mapping in turn.
    children: Vec<NodeId>,
    texts: Vec<Box<str>>,
    /// Each key's place by its text, of mappings with many.
    indexes: HashMap<NodeId, HashMap<Box<str>, usize>>,
    root: Option<NodeId>,
    refused_keys: HashSet<NodeId>,
}

/// The plain key that merges other mappings into its own.
pub(super) const MERGE_KEY: &str = "<<";

/// Most entries among which a key is looked for one by one, which is quicker than an index.
const SEARCHED_MAX: usize = 16;

impl Tree {
    /// Starts without a node. The text must have at most [`u32::MAX`] bytes.
    pub(super) fn new(source: &Arc<Source>) -> Self {
        // Few files have more nodes than that.
        let nodes = source.text().len() / 12 + 4;
        Self {
            source: Arc::clone(source),
            nodes: Vec::with_capacity(nodes),
            children: Vec::with_capacity(nodes),
            texts: Vec::new(),
            indexes: HashMap::new(),
            root: None,
            refused_keys: HashSet::new(),
        }
    }

    /// Adds a scalar: its bytes in the source, without tag and anchor, and its text.
    pub(super) fn add_scalar(&mut self, range: Range<usize>, text: &str, is_plain: bool) -> NodeId {
        let raw = &self.source.text()[range.clone()];
        let within = if is_plain { Some(raw) } else { unquoted(raw) };
        let is = if within == Some(text) {
            let start = range.start + usize::from(!is_plain);
            let piece = piece(start..start + text.len());
            if is_plain { Is::Plain(piece) } else { Is::Quoted(piece) }
        } else {
            let place = number(self.texts.len());
            self.texts.push(text.into());
            if is_plain { Is::PlainText(place) } else { Is::QuotedText(place) }
        };
        self.add(range, is)
    }

    /// Adds a list or mapping that begins, empty.
    pub(super) fn begin(&mut self, range: Range<usize>, is_mapping: bool) -> NodeId {
        let nothing = Piece::default();
        self.add(range, if is_mapping { Is::Mapping(nothing) } else { Is::Sequence(nothing) })
    }

    /// Ends a list or mapping. A mapping's `children` are keys and values in turn.
    pub(super) fn end(&mut self, id: NodeId, range: Range<usize>, children: &[NodeId]) {
        let start = self.children.len();
        self.children.extend_from_slice(children);
        let of = piece(start..self.children.len());
        let Piece { start, end } = piece(range);
        let node = &mut self.nodes[id.place()];
        (node.start, node.end) = (start, end);
        node.is = if matches!(node.is, Is::Mapping(_)) { Is::Mapping(of) } else { Is::Sequence(of) };
    }

    pub(super) fn add_alias(&mut self, range: Range<usize>, target: NodeId) -> NodeId {
        self.add(range, Is::Alias(target))
    }

    fn add(&mut self, range: Range<usize>, is: Is) -> NodeId {
        let Piece { start, end } = piece(range);
        self.nodes.push(Node { start, end, is });
        NodeId(number(self.nodes.len() - 1))
    }

    /// Gives back what was reserved for more nodes.
    pub(super) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.children.shrink_to_fit();
        self.texts.shrink_to_fit();
    }

    /// Remembers where keys stand in a mapping with many.
    pub(super) fn index(&mut self, mapping: NodeId, places: HashMap<Box<str>, usize>) {
        self.indexes.insert(mapping, places);
    }

    /// Whether a mapping of so many entries needs an index.
    pub(super) fn needs_index(entries: usize) -> bool {
        entries > SEARCHED_MAX
    }

    /// Remembers a key that was reported: its entry means nothing.
    pub(super) fn refuse_key(&mut self, key: NodeId) {
        self.refused_keys.insert(key);
    }

    pub(super) fn is_refused_key(&self, key: NodeId) -> bool {
        !self.refused_keys.is_empty() && self.refused_keys.contains(&key)
    }

    pub(super) fn set_root(&mut self, root: NodeId) {
        self.root = Some(root);
    }

    pub(super) fn root(&self) -> Option<NodeId> {
        self.root
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns a node's bytes in the source, without tag and anchor; empty where nothing is written.
    pub(super) fn range(&self, id: NodeId) -> Range<usize> {
        let Node { start, end, .. } = self.nodes[id.place()];
        Piece { start, end }.range()
    }

    /// Returns what a node is.
    pub(super) fn kind(&self, id: NodeId) -> Kind<'_> {
        match self.nodes[id.place()].is {
            Is::Plain(piece) => Kind::Scalar { text: &self.source.text()[piece.range()], is_plain: true },
            Is::Quoted(piece) => Kind::Scalar { text: &self.source.text()[piece.range()], is_plain: false },
            Is::PlainText(place) => Kind::Scalar { text: &self.texts[place as usize], is_plain: true },
            Is::QuotedText(place) => Kind::Scalar { text: &self.texts[place as usize], is_plain: false },
            Is::Sequence(items) => Kind::Sequence(&self.children[items.range()]),
            Is::Mapping(entries) => Kind::Mapping(self.children[entries.range()].as_chunks().0),
            Is::Alias(_) => Kind::Alias,
        }
    }

    /// Iterates over all nodes in the order of reading.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, Kind<'_>)> {
        (0..number(self.nodes.len())).map(|place| (NodeId(place), self.kind(NodeId(place))))
    }

    /// Iterates over the keys of all mappings.
    pub(super) fn keys(&self) -> impl Iterator<Item = NodeId> {
        let entries = self.nodes().map(|(_, kind)| match kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar { .. } | Kind::Sequence(_) | Kind::Alias => &[],
        });
        entries.flatten().map(|[key, _]| *key)
    }

    /// Returns the mappings that are written out, outer ones before those inside them.
    pub(in crate::load) fn mappings(&self) -> Vec<Mapping> {
        let mut found = Vec::new();
        let mut waiting: Vec<(NodeId, Vec<String>)> =
            self.root.map(|root| (root, Vec::new())).into_iter().collect();
        while let Some((id, path)) = waiting.pop() {
            let below = |step: String| path.iter().cloned().chain([step]).collect::<Vec<_>>();
            match self.kind(id) {
                Kind::Scalar { .. } | Kind::Alias => {}
                Kind::Sequence(items) => {
                    waiting.extend(
                        items.iter().enumerate().map(|(place, item)| (*item, below(place.to_string()))),
                    );
                }
                Kind::Mapping(entries) => {
                    let mut written = Vec::with_capacity(entries.len());
                    for &[key, value] in entries {
                        let Kind::Scalar { text, .. } = self.kind(key) else { continue };
                        waiting.push((value, below(text.to_owned())));
                        written.push(Entry {
                            key: text.to_owned(),
                            key_range: self.range(key),
                            value_range: self.range(value),
                        });
                    }
                    found.push(Mapping { path, range: self.range(id), entries: written });
                }
            }
        }
        found
    }

    /// Follows aliases to the node they stand for; an alias always points backwards, so this ends.
    pub(super) fn target(&self, mut id: NodeId) -> NodeId {
        while let Is::Alias(target) = self.nodes[id.place()].is {
            id = target;
        }
        id
    }

    /// Returns the span of the value at `path`, or of its nearest ancestor that is written.
    pub(in crate::load) fn value_range(&self, path: &[&str]) -> Range<usize> {
        let (key, value) = self.walk(path);
        let range = value.map_or(0..0, |value| self.range(self.target(value)));
        match key {
            Some(key) if range.is_empty() => self.range(key),
            _ => range,
        }
    }

    /// Returns the span of the key at `path`; of the item where the path ends in a list; of the nearest
    /// ancestor's key where there is none.
    pub(in crate::load) fn key_range(&self, path: &[&str]) -> Range<usize> {
        match self.walk(path) {
            (Some(key), _) => self.range(key),
            (None, Some(value)) => self.range(self.target(value)),
            (None, None) => 0..0,
        }
    }

    /// Whether `path` leads to a node.
    pub(in crate::load) fn has(&self, path: &[&str]) -> bool {
        let step = |parent: Option<NodeId>, step: &&str| self.child(parent?, step).map(|(_, child)| child);
        path.iter().fold(self.root, step).is_some()
    }

    /// Returns the key of the last mapping entry, and the last node, that `path` leads to.
    fn walk(&self, path: &[&str]) -> (Option<NodeId>, Option<NodeId>) {
        let (mut key, mut value) = (None, self.root);
        for step in path {
            let Some(parent) = value else { break };
            match self.child(parent, step) {
                Some((Some(child_key), child)) => (key, value) = (Some(child_key), Some(child)),
                Some((None, child)) => (key, value) = (None, Some(child)),
                None => break,
            }
        }
        (key, value)
    }

    /// Returns key and value of a mapping's entry, own ones before merged ones, or an item of a list.
    fn child(&self, parent: NodeId, step: &str) -> Option<(Option<NodeId>, NodeId)> {
        let parent = self.target(parent);
        match self.kind(parent) {
            Kind::Mapping(entries) => {
                if step != MERGE_KEY
                    && let Some([key, value]) = self.entry(parent, entries, step)
                {
                    return Some((Some(key), value));
                }
                let [_, merged] = self.entry(parent, entries, MERGE_KEY)?;
                match self.kind(self.target(merged)) {
                    Kind::Sequence(sources) => sources.iter().find_map(|source| self.child(*source, step)),
                    _ => self.child(merged, step),
                }
            }
            Kind::Sequence(items) => Some((None, *items.get(step.parse::<usize>().ok()?)?)),
            Kind::Scalar { .. } | Kind::Alias => None,
        }
    }

    /// Finds the first entry of a key that was not refused.
    fn entry(&self, mapping: NodeId, entries: &[[NodeId; 2]], text: &str) -> Option<[NodeId; 2]> {
        if Self::needs_index(entries.len()) {
            return Some(entries[*self.indexes.get(&mapping)?.get(text)?]);
        }
        entries.iter().copied().find(|[key, _]| self.is_key(*key, text))
    }

    /// Whether a key has a text, and was not refused.
    pub(super) fn is_key(&self, key: NodeId, text: &str) -> bool {
        match self.nodes[key.place()].is {
            // Most are none: nothing is looked up for a text of another length.
            Is::Plain(piece) | Is::Quoted(piece) => {
                piece.range().len() == text.len()
                    && self.source.text().as_bytes()[piece.range()] == *text.as_bytes()
                    && !self.is_refused_key(key)
            }
            _ => self.key_text(key) == Some(text),
        }
    }

    /// Returns a key's text, unless it was refused.
    pub(super) fn key_text(&self, key: NodeId) -> Option<&str> {
        match self.kind(self.target(key)) {
            Kind::Scalar { text, .. } if !self.is_refused_key(key) => Some(text),
            _ => None,
        }
    }
}

/// Returns what stands between quotes; nothing of a block text, and what looks like quotes in one is its own.
pub(super) fn unquoted(written: &str) -> Option<&str> {
    let between = |quote: char| written.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\''))
}

fn piece(range: Range<usize>) -> Piece {
    Piece { start: number(range.start), end: number(range.end) }
}

/// A text of at most [`u32::MAX`] bytes has no more nodes than that.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
