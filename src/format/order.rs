//! The order of keys: the schema's, within entries that no blank line parts.

use std::ops::Range;

use crate::diagnostic::Source;
use crate::format::FileKind;
use crate::format::layout::LaidOut;
use crate::load::{self, Entry, Mapping};

/// The entries of one mapping, or of one part of it between blank lines, and the order they shall have.
#[derive(Debug)]
struct Rearrangement {
    /// The entries' bytes in the order of writing, apart from each other.
    pieces: Vec<Range<usize>>,
    /// Places in `pieces`, in the order in which they shall stand.
    order: Vec<usize>,
}

/// Returns a text that was laid out with its keys in order; nothing where it cannot be read.
pub(super) fn sorted(laid_out: &LaidOut, kind: FileKind) -> Option<String> {
    let text = laid_out.text.as_str();
    let (outline, _) = load::outline(&Source::new(String::new(), text.to_owned()));
    let mut found = Vec::new();
    for mapping in &outline?.mappings {
        let keys = kind.keys(&mapping.path);
        if keys.is_empty() || mapping.entries.len() < 2 {
            continue;
        }
        let is_flow = text[mapping.range.start..].starts_with('{');
        let groups = if is_flow { flow_groups(text, mapping) } else { block_groups(laid_out, mapping) };
        found.extend(groups.into_iter().filter_map(|group| rearranged(text, mapping, group, &keys)));
    }
    // Outer ones first: what is inside lies in one piece of them.
    found.sort_by_key(|found| (found.pieces[0].start, std::cmp::Reverse(found.end())));
    let mut out = String::with_capacity(text.len());
    write(&mut out, text, 0..text.len(), &found);
    Some(out)
}

impl Rearrangement {
    fn end(&self) -> usize {
        self.pieces.last().map_or(0, |piece| piece.end)
    }
}

/// Writes a part of the text, with the rearrangements that begin and end in it.
fn write(out: &mut String, text: &str, part: Range<usize>, found: &[Rearrangement]) {
    let first = found.partition_point(|found| found.pieces[0].start < part.start);
    let mut at = part.start;
    let mut rest = &found[first..];
    while let Some((next, behind)) = rest.split_first() {
        if next.pieces[0].start >= part.end {
            break;
        }
        rest = behind;
        // Within one that was written, or around the part itself.
        if next.pieces[0].start < at || next.end() > part.end {
            continue;
        }
        for (place, piece) in next.pieces.iter().enumerate() {
            out.push_str(&text[at..piece.start]);
            // Inner ones come behind their outer one, so this ends.
            write(out, text, next.pieces[next.order[place]].clone(), behind);
            at = piece.end;
        }
    }
    out.push_str(&text[at..part.end]);
}

/// Entries by their places in the mapping, with the bytes that move.
type Group = Vec<(usize, Range<usize>)>;

fn rearranged(text: &str, mapping: &Mapping, group: Group, keys: &[String]) -> Option<Rearrangement> {
    // A merge key says where the rest comes from, so it stands first; an unknown key is left to be reported.
    let rank = |place: usize| {
        let key = &mapping.entries[group[place].0].key;
        if key == "<<" {
            0
        } else {
            keys.iter().position(|known| known == key).map_or(usize::MAX, |rank| rank + 1)
        }
    };
    let mut order: Vec<usize> = (0..group.len()).collect();
    order.sort_by_key(|place| rank(*place));
    let is_sorted = order.is_sorted();
    let piece = |place: Option<&usize>| place.map_or(0..0, |place| group[*place].1.clone());
    // A blank line below the group would become part of a block scalar that takes those in.
    let end = group.last().map_or(0, |(_, piece)| piece.end);
    let is_kept_apart = text[end..].starts_with('\n') && text[piece(order.last())].ends_with("\n\n");
    let is_changed = !is_sorted && !is_kept_apart;
    is_changed.then(|| Rearrangement { pieces: group.into_iter().map(|(_, piece)| piece).collect(), order })
}

/// The entries of a mapping in braces, unless a comment in it belongs to one of them.
fn flow_groups(text: &str, mapping: &Mapping) -> Vec<Group> {
    let entries = &mapping.entries;
    let has_comment =
        text[mapping.range.clone()].lines().count() > 1 && text[mapping.range.clone()].contains('#');
    if has_comment {
        return Vec::new();
    }
    let piece = |place: usize| entries[place].key_range.start..entries[place].value_range.end;
    let is_whole = (0..entries.len()).all(|place| piece(place).start < piece(place).end);
    if is_whole { vec![(0..entries.len()).map(|place| (place, piece(place))).collect()] } else { Vec::new() }
}

/// The entries of a block mapping: whole lines, each with the comments right above it, parted by blank lines.
fn block_groups(laid_out: &LaidOut, mapping: &Mapping) -> Vec<Group> {
    let text = laid_out.text.as_str();
    let starts: Option<Vec<usize>> =
        mapping.entries.iter().map(|entry| line_of_key(text, entry.key_range.start)).collect();
    // A key that does not begin its line follows a dash: such a mapping has no place in the format.
    let Some(starts) = starts else { return Vec::new() };
    let indentation = mapping.entries[0].key_range.start - starts[0];
    let is_root = mapping.path.is_empty();
    let heads: Vec<usize> = starts
        .iter()
        .enumerate()
        // What stands at the top of a file is about the file.
        .map(|(place, start)| if is_root && place == 0 { *start } else { head(text, *start, indentation) })
        .collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut end_above = 0;
    for (place, entry) in mapping.entries.iter().enumerate() {
        let head = heads[place];
        let is_parted = place == 0 || text.get(end_above..head).is_none_or(|between| !between.is_empty());
        end_above = behind_kept_lines(laid_out, end(text, entry, indentation));
        match groups.last_mut() {
            Some(group) if !is_parted => group.push((place, head..end_above)),
            _ => groups.push(vec![(place, head..end_above)]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Returns the start of a key's line if nothing but indentation stands before it.
fn line_of_key(text: &str, key: usize) -> Option<usize> {
    let start = text[..key].rfind('\n').map_or(0, |at| at + 1);
    text[start..key].bytes().all(|byte| byte == b' ').then_some(start)
}

/// Returns the start of the first comment line of those right above `start` with the same indentation.
fn head(text: &str, mut start: usize, indentation: usize) -> usize {
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |at| at + 1);
        let line = &text[above..start];
        let content = line.trim_start_matches(' ');
        let is_comment = line.len() - content.len() == indentation && content.starts_with('#');
        if !is_comment {
            break;
        }
        start = above;
    }
    start
}

/// Returns where an entry's lines end: behind the last one that is indented deeper than its key.
fn end(text: &str, entry: &Entry, indentation: usize) -> usize {
    // A closing brace or quote may stand below the key; the span of anything else may go on to what follows.
    let is_enclosed = text[entry.value_range.clone()].starts_with(['{', '[', '"', '\'']);
    let from = if is_enclosed { entry.value_range.end } else { entry.key_range.end };
    let mut end = line_behind(text, from);
    let mut at = end;
    while at < text.len() {
        let line = &text[at..line_behind(text, at)];
        let depth = line.len() - line.trim_start_matches(' ').len();
        at += line.len();
        if depth > indentation {
            end = at;
        } else if line != "\n" {
            break;
        }
    }
    end
}

/// Returns where an entry ends whose last lines may be blank ones that are part of its value.
fn behind_kept_lines(laid_out: &LaidOut, end: usize) -> usize {
    let place = laid_out.keeping.partition_point(|scalar| scalar.end < end);
    laid_out.keeping.get(place).filter(|scalar| scalar.start <= end).map_or(end, |scalar| scalar.end)
}

fn line_behind(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |found| at + found + 1)
}
