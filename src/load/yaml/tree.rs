//! The span tree: what stands where.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::load::{Entry, Mapping};

/// A node's place in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

impl NodeId {
    /// Returns the node's place in the order of reading, from 0.
    pub(super) fn place(self) -> usize {
        self.0
    }
}

/// One node of a YAML document.
#[derive(Debug)]
pub(super) struct Node {
    /// Its bytes in the source, without tag and anchor; empty where nothing is written.
    pub(super) range: Range<usize>,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A scalar's text after escapes; plain scalars may be something else than text.
    Scalar { text: Box<str>, is_plain: bool },
    /// A list.
    Sequence(Vec<NodeId>),
    /// A mapping: keys and values in order, and each key's place in that order by its text.
    Mapping { entries: Vec<(NodeId, NodeId)>, index: HashMap<Box<str>, usize> },
    /// Stands for another node, which comes before it.
    Alias(NodeId),
}

/// A document's nodes, by reference: an alias costs one node however much it repeats.
#[derive(Debug, Default)]
pub(in crate::load) struct Tree {
    nodes: Vec<Node>,
    root: Option<NodeId>,
    refused_keys: HashSet<NodeId>,
}

/// The plain key that merges other mappings into its own.
pub(super) const MERGE_KEY: &str = "<<";

impl Tree {
    pub(super) fn add(&mut self, range: Range<usize>, kind: Kind) -> NodeId {
        self.nodes.push(Node { range, kind });
        NodeId(self.nodes.len() - 1)
    }

    /// Remembers a key that was reported: its entry means nothing.
    pub(super) fn refuse_key(&mut self, key: NodeId) {
        self.refused_keys.insert(key);
    }

    pub(super) fn is_refused_key(&self, key: NodeId) -> bool {
        self.refused_keys.contains(&key)
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

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0]
    }

    /// Iterates over all nodes in the order of reading.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(place, node)| (NodeId(place), node))
    }

    /// Iterates over the keys of all mappings.
    pub(super) fn keys(&self) -> impl Iterator<Item = NodeId> {
        self.nodes
            .iter()
            .flat_map(|node| match &node.kind {
                Kind::Mapping { entries, .. } => entries.as_slice(),
                Kind::Scalar { .. } | Kind::Sequence(_) | Kind::Alias(_) => &[],
            })
            .map(|(key, _)| *key)
    }

    /// Returns the mappings that are written out, outer ones before those inside them.
    pub(in crate::load) fn mappings(&self) -> Vec<Mapping> {
        let mut found = Vec::new();
        let mut waiting: Vec<(NodeId, Vec<String>)> =
            self.root.map(|root| (root, Vec::new())).into_iter().collect();
        while let Some((id, path)) = waiting.pop() {
            let node = self.node(id);
            let below = |step: String| path.iter().cloned().chain([step]).collect::<Vec<_>>();
            match &node.kind {
                Kind::Scalar { .. } | Kind::Alias(_) => {}
                Kind::Sequence(items) => {
                    waiting.extend(
                        items.iter().enumerate().map(|(place, item)| (*item, below(place.to_string()))),
                    );
                }
                Kind::Mapping { entries, .. } => {
                    let mut written = Vec::with_capacity(entries.len());
                    for (key, value) in entries {
                        let Kind::Scalar { text, .. } = &self.node(*key).kind else { continue };
                        waiting.push((*value, below(text.to_string())));
                        written.push(Entry {
                            key: text.to_string(),
                            key_range: self.node(*key).range.clone(),
                            value_range: self.node(*value).range.clone(),
                        });
                    }
                    found.push(Mapping { path, range: node.range.clone(), entries: written });
                }
            }
        }
        found
    }

    /// Follows aliases to the node they stand for; an alias always points backwards, so this ends.
    pub(super) fn target(&self, mut id: NodeId) -> NodeId {
        while let Kind::Alias(target) = self.node(id).kind {
            id = target;
        }
        id
    }

    /// Returns the span of the value at `path`, or of its nearest ancestor that is written.
    pub(in crate::load) fn value_range(&self, path: &[&str]) -> Range<usize> {
        let (key, value) = self.walk(path);
        let range = value.map_or(0..0, |value| self.node(self.target(value)).range.clone());
        match key {
            Some(key) if range.is_empty() => self.node(key).range.clone(),
            _ => range,
        }
    }

    /// Returns the span of the key at `path`; of the item where the path ends in a list; of the nearest
    /// ancestor's key where there is none.
    pub(in crate::load) fn key_range(&self, path: &[&str]) -> Range<usize> {
        match self.walk(path) {
            (Some(key), _) => self.node(key).range.clone(),
            (None, Some(value)) => self.node(self.target(value)).range.clone(),
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
        match &self.node(self.target(parent)).kind {
            Kind::Mapping { entries, index } => {
                if let Some(&place) = index.get(step)
                    && step != MERGE_KEY
                {
                    let (key, value) = entries[place];
                    return Some((Some(key), value));
                }
                let merged = entries[*index.get(MERGE_KEY)?].1;
                match &self.node(self.target(merged)).kind {
                    Kind::Sequence(sources) => sources.iter().find_map(|source| self.child(*source, step)),
                    _ => self.child(merged, step),
                }
            }
            Kind::Sequence(items) => Some((None, *items.get(step.parse::<usize>().ok()?)?)),
            Kind::Scalar { .. } | Kind::Alias(_) => None,
        }
    }
}
