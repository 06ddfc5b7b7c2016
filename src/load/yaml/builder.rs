//! From events to the span tree, within bounds.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use crate::diagnostic::{Code, Diagnostic, Place, Source};
use crate::load::yaml::tree::{NodeId, Tree};
use crate::load::yaml::{DEPTH_MAX, MISTAKES_MAX};
use crate::load::yaml::{key, syntax_error};

/// Most nodes that all aliases of a file may repeat together: far more than a person could review.
const REPEATED_NODES_MAX: usize = 100_000;

/// Most bytes of scalars that all aliases of a file may repeat together: four times the largest file.
const REPEATED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most nodes repeated for each node written. `serde_yaml` 0.9 gives up, without a place, at 100 alias jumps
/// an event, and a jump repeats at least one node.
const REPEATED_PER_NODE_MAX: usize = 100;

/// Builds the tree of a file's one document, and lists its mistakes. The tree is absent where they make the
/// file unfit to read any further; refused keys do not.
pub(super) fn build(source: &Arc<Source>) -> (Option<Tree>, Vec<Diagnostic>) {
    let options = granit_parser::options! {
        disallow_directives: true,
        block_scalar_eof_without_line_feed: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str_with_options(source.text(), options) {
        let step = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) if *error.kind() == ErrorKind::RecursionLimitExceeded => {
                let at = syntax_error::place(source, error.marker());
                Err(too_deep(at))
            }
            Err(error) => Err(syntax_error::diagnose(source, &error)),
        };
        if let Err(fatal) = step {
            builder.mistakes.push(fatal);
            return (None, builder.mistakes);
        }
    }
    if let Some(mistake) = builder.check_repetition() {
        builder.reject(mistake);
    }
    builder.tree.shrink();
    let tree = (!builder.is_rejected).then_some(builder.tree);
    (tree, builder.mistakes)
}

fn too_deep(at: Place) -> Diagnostic {
    Diagnostic::error(Code::NestedTooDeep, at, format!("nested deeper than {DEPTH_MAX} levels"))
        .help("no campaign needs that much: flatten it")
}

/// What a node amounts to with its aliases expanded.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    /// Levels of lists and mappings, itself included; 0 for a scalar.
    height: usize,
}

impl Weight {
    fn add(&mut self, child: Self) {
        self.nodes = self.nodes.saturating_add(child.nodes);
        self.bytes = self.bytes.saturating_add(child.bytes);
        self.height = self.height.max(child.height + 1);
    }
}

/// A list or mapping that is still open. A mapping's keys and values alternate.
struct Open {
    node: NodeId,
    /// Where its own begin among the nodes that wait for the end of what they stand in.
    first: usize,
    weight: Weight,
    is_mapping: bool,
    is_block: bool,
}

struct Anchor {
    node: NodeId,
    /// The `&name`, once its event has come.
    range: Range<usize>,
}

struct Builder<'source> {
    source: &'source Arc<Source>,
    tree: Tree,
    weights: Vec<Weight>,
    open: Vec<Open>,
    waiting: Vec<NodeId>,
    anchors: HashMap<usize, Anchor>,
    repeated: Weight,
    /// The alias that repeats most, its anchor, and how much.
    heaviest: Option<(Range<usize>, Range<usize>, usize)>,
    document: Option<Range<usize>>,
    mistakes: Vec<Diagnostic>,
    /// Whether some mistake makes the values meaningless.
    is_rejected: bool,
}

impl<'source> Builder<'source> {
    fn new(source: &'source Arc<Source>) -> Self {
        Self {
            source,
            tree: Tree::new(source),
            weights: Vec::new(),
            open: Vec::new(),
            waiting: Vec::new(),
            anchors: HashMap::new(),
            repeated: Weight::default(),
            heaviest: None,
            document: None,
            mistakes: Vec::new(),
            is_rejected: false,
        }
    }

    fn reject(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
        self.is_rejected = true;
    }

    /// Takes one event in. An error ends the reading; lesser mistakes are kept aside.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let range = self.range(span);
        match event {
            Event::DocumentStart(..) => self.begin_document(range),
            Event::Scalar(text, style, anchor, tag) => {
                self.check_tag(tag.as_deref(), span);
                let weight = Weight { nodes: 1, bytes: text.len(), height: 0 };
                let range = self.trimmed(range);
                self.weights.push(weight);
                let node = self.tree.add_scalar(range, &text, style == ScalarStyle::Plain);
                self.anchor(anchor, node);
                self.attach(node);
                Ok(())
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(range, style, anchor, tag.as_deref(), span, false)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(range, style, anchor, tag.as_deref(), span, true)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(&range);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, range),
            Event::Anchor(anchor, _) => {
                if let Some(anchor) = self.anchors.get_mut(&anchor) {
                    anchor.range = range;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin_document(&mut self, range: Range<usize>) -> Result<(), Diagnostic> {
        match &self.document {
            None => {
                self.document = Some(range);
                Ok(())
            }
            Some(first) => {
                let message = "a second YAML document begins in the same file";
                Err(Diagnostic::error(Code::SeveralDocuments, self.place(range), message)
                    .related(self.place(first.clone()), "the first one begins here")
                    .help("put it in a file of its own, or remove the `---` between them"))
            }
        }
    }

    fn begin(
        &mut self,
        range: Range<usize>,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
        is_mapping: bool,
    ) -> Result<(), Diagnostic> {
        self.check_tag(tag, span);
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(self.place(range)));
        }
        let weight = Weight { nodes: 1, bytes: 0, height: 1 };
        self.weights.push(weight);
        let node = self.tree.begin(range, is_mapping);
        self.anchor(anchor, node);
        let is_block = style == StructureStyle::Block;
        let first = self.waiting.len();
        self.open.push(Open { node, first, weight, is_mapping, is_block });
        Ok(())
    }

    fn end(&mut self, end: &Range<usize>) {
        let open = self.open.pop().expect("the parser closes only what it opened");
        self.weights[open.node.place()] = open.weight;
        let start = self.tree.range(open.node).start;
        // A block collection's end event comes where the next token begins, blank lines and comments later.
        let end = match self.waiting[open.first..].last() {
            Some(last) if open.is_block => self.tree.range(*last).end,
            _ => end.end,
        };
        self.tree.end(open.node, start..end.max(start), &self.waiting[open.first..]);
        if open.is_mapping {
            self.check_keys(open.node, open.first);
        }
        self.waiting.truncate(open.first);
        self.attach(open.node);
    }

    /// Refuses keys that are none, or stand twice in the mapping whose nodes wait from `first` on.
    fn check_keys(&mut self, mapping: NodeId, first: usize) {
        let pairs = self.waiting[first..].as_chunks().0;
        let mut seen: Vec<NodeId> = Vec::with_capacity(pairs.len());
        let mut places: HashMap<Box<str>, usize> = HashMap::new();
        let (mut mistakes, mut refused, mut is_rejected) = (Vec::new(), Vec::new(), false);
        for (place, &[key, value]) in pairs.iter().enumerate() {
            if self.mistakes.len() + mistakes.len() >= MISTAKES_MAX {
                is_rejected = true;
                break;
            }
            if let Some(mistake) = key::glued(self.source, &self.tree, key, value) {
                mistakes.push(mistake);
                is_rejected = true;
            }
            let text = match key::read(self.source, &self.tree, key) {
                Ok(text) => text,
                Err(mistake) => {
                    mistakes.push(mistake);
                    refused.push(key);
                    continue;
                }
            };
            let earlier = if Tree::needs_index(pairs.len()) {
                let earlier = places.get(text).map(|&place| pairs[place][0]);
                if earlier.is_none() {
                    places.insert(text.into(), place);
                }
                earlier
            } else {
                seen.iter().copied().find(|earlier| self.tree.key_text(*earlier) == Some(text))
            };
            if let Some(earlier) = earlier {
                mistakes.push(self.duplicate_key(text, key, earlier));
                is_rejected = true;
            } else {
                seen.push(key);
            }
        }
        for key in refused {
            self.tree.refuse_key(key);
        }
        if !places.is_empty() {
            self.tree.index(mapping, places);
        }
        self.mistakes.extend(mistakes);
        self.is_rejected |= is_rejected;
    }

    fn duplicate_key(&self, text: &str, key: NodeId, earlier: NodeId) -> Diagnostic {
        let message = format!("the key `{text}` appears twice in the same mapping");
        Diagnostic::error(Code::DuplicateKey, self.place(self.tree.range(key)), message)
            .related(self.place(self.tree.range(earlier)), "first here")
            .help("remove one of the two")
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<(), Diagnostic> {
        let anchor = self.anchors.get(&anchor).expect("the parser resolves only anchors that came before");
        let (target, anchor) = (anchor.node, anchor.range.clone());
        if self.open.iter().any(|open| open.node == target) {
            let message = "an alias is inside the node that it repeats";
            return Err(Diagnostic::error(Code::RecursiveAlias, self.place(range), message)
                .related(self.place(anchor), "the node begins here")
                .help("write out what you mean"));
        }
        let weight = self.weights[target.place()];
        if self.open.len() + weight.height > DEPTH_MAX {
            return Err(too_deep(self.place(range)).related(self.place(anchor), "what the alias repeats"));
        }
        self.repeated.add(weight);
        if self.heaviest.as_ref().is_none_or(|(.., nodes)| weight.nodes > *nodes) {
            self.heaviest = Some((range.clone(), anchor, weight.nodes));
        }
        if self.repeated.nodes > REPEATED_NODES_MAX || self.repeated.bytes > REPEATED_BYTES_MAX {
            return Err(self.expands_too_far());
        }
        self.weights.push(weight);
        let node = self.tree.add_alias(range, target);
        self.attach(node);
        Ok(())
    }

    fn check_repetition(&self) -> Option<Diagnostic> {
        let nodes_max = self.tree.len().saturating_mul(REPEATED_PER_NODE_MAX);
        (self.repeated.nodes > nodes_max).then(|| self.expands_too_far())
    }

    fn expands_too_far(&self) -> Diagnostic {
        let (alias, anchor, _) = self.heaviest.clone().expect("something was repeated");
        let message = "aliases repeat more than a person could review";
        Diagnostic::error(Code::ExpansionLimit, self.place(alias), message)
            .label("the alias that repeats most")
            .related(self.place(anchor), "what it repeats")
            .help("write out what you mean; aliases of aliases multiply")
    }

    fn check_tag(&mut self, tag: Option<&Tag>, span: Span) {
        let Some(tag) = tag else { return };
        let range = span.tag_span().unwrap_or(span);
        let range = self.range(range);
        let message = format!("the tag `{}` would change what is written", tag.original());
        if self.mistakes.len() >= MISTAKES_MAX {
            self.is_rejected = true;
            return;
        }
        let mistake = Diagnostic::error(Code::UnknownTag, self.place(range), message)
            .help("remove it; quote a value that is to be text");
        self.reject(mistake);
    }

    fn anchor(&mut self, anchor: usize, node: NodeId) {
        if anchor != 0 {
            let range = self.tree.range(node);
            self.anchors.insert(anchor, Anchor { node, range });
        }
    }

    /// Hands a finished node to the list or mapping it stands in.
    fn attach(&mut self, node: NodeId) {
        let weight = self.weights[node.place()];
        match self.open.last_mut() {
            Some(open) => {
                self.waiting.push(node);
                open.weight.add(weight);
            }
            None => self.tree.set_root(node),
        }
    }

    /// Returns a span's bytes, held to the text and to character boundaries.
    fn range(&self, span: Span) -> Range<usize> {
        let text = self.source.text();
        let range = span.byte_range().unwrap_or_default();
        let start = text.floor_char_boundary(range.start);
        start..text.floor_char_boundary(range.end).max(start)
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.source.text()[range.clone()];
        range.start..range.start + text.trim_end().len()
    }

    fn place(&self, range: Range<usize>) -> Place {
        Place::span(self.source, range)
    }
}
