//! Whether a text is written so plainly that no two YAML readers could take it differently.
//!
//! Most files are: keys and one-line values, lists, block texts of even indentation. Reading those a second time
//! costs as much as everything else together and can say nothing new. Whatever goes beyond (aliases, escapes,
//! folded lines, tabs, a `?` key, explicit documents) is not plain, however sound it is.

use crate::load::yaml::tree::{Kind, NodeId, Tree, unquoted};

/// Whether a document is written plainly.
pub(super) fn is_plainly_written(text: &str, tree: &Tree) -> bool {
    let has_only_usual_bytes =
        text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte) || byte > 0x7f);
    let has_only_usual_lines = !text
        .split('\n')
        .any(|line| line.starts_with("---") || line.starts_with("...") || line.starts_with('%'));
    has_only_usual_bytes
        && has_only_usual_lines
        // A byte-order mark, at any place.
        && !text.contains('\u{feff}')
        && text.match_indices('&').all(|(at, _)| is_plain_anchor(&text[at + 1..]))
        && tree.root().is_some()
        && tree.nodes().all(|(id, kind)| is_plain(text, tree, id, kind))
}

/// Whether what begins behind a `&` would be an anchor's name to all, if it is an anchor.
fn is_plain_anchor(behind: &str) -> bool {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = behind.bytes().take_while(is_of_name).count();
    length > 0 && matches!(behind.as_bytes().get(length), None | Some(b' ' | b'\n'))
}

fn is_plain(text: &str, tree: &Tree, id: NodeId, kind: Kind<'_>) -> bool {
    match kind {
        Kind::Alias => false,
        Kind::Sequence(_) => true,
        Kind::Mapping(entries) => entries.iter().all(|[key, _]| is_plain_key(text, tree, *key)),
        Kind::Scalar { text: read, is_plain } => {
            let range = tree.range(id);
            let written = &text[range.clone()];
            if is_plain {
                written == read && is_word(written)
            } else if let Some(within) = unquoted(written) {
                within == read && !read.contains(['\n', '\\', '"', '\''])
            } else {
                is_plain_block(&text[..range.start], written, read)
            }
        }
    }
}

/// Whether a key is followed by its colon, and that by a space or the end of the line.
fn is_plain_key(text: &str, tree: &Tree, key: NodeId) -> bool {
    let behind = &text.as_bytes()[tree.range(key).end..];
    matches!(tree.kind(key), Kind::Scalar { .. }) && matches!(behind, [b':', b' ' | b'\n', ..])
}

/// Whether an unquoted text is one line that begins like a word or a number, without what could end it, or begin
/// something else, to some reader.
fn is_word(written: &str) -> bool {
    let bytes = written.as_bytes();
    let begins = bytes.first().is_some_and(|first| first.is_ascii_alphanumeric() || *first > 0x7f);
    // A colon within a time or an address is text to all.
    let is_usual = |(place, byte): (usize, &u8)| match byte {
        b':' => bytes.get(place + 1).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'/'),
        b'\n' | b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'"' | b'\'' | b'&' | b'*' | b'!' | b'|' | b'>'
        | b'?' => false,
        _ => true,
    };
    begins && bytes.iter().enumerate().all(is_usual)
}

/// Whether a block text has lines of one indentation and none that is empty, and was read as just those lines.
fn is_plain_block(before: &str, written: &str, read: &str) -> bool {
    let margin = before.bytes().rev().take_while(|byte| *byte == b' ').count();
    let Some(header) = before[..before.len() - margin].strip_suffix('\n') else { return false };
    let (joint, ending) = match header.trim_end_matches(' ').rsplit([' ', '\n']).next() {
        Some("|") => ("\n", "\n"),
        Some("|-") => ("\n", ""),
        Some(">") => (" ", "\n"),
        Some(">-") => (" ", ""),
        _ => return false,
    };
    let mut rest = read;
    for (place, line) in written.split('\n').enumerate() {
        let line = if place == 0 {
            Some(line)
        } else {
            line.get(..margin)
                .filter(|indent| indent.bytes().all(|byte| byte == b' '))
                .map(|_| &line[margin..])
        };
        let Some(line) =
            line.filter(|line| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(' '))
        else {
            return false;
        };
        let expected = if place == 0 { Some(rest) } else { rest.strip_prefix(joint) };
        let Some(left) = expected.and_then(|rest| rest.strip_prefix(line)) else { return false };
        rest = left;
    }
    margin > 0 && rest == ending
}
