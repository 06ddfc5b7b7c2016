//! How scalars are written: quotes, the lines of those that take several, and the headers of block scalars.

use crate::format::nodes::BlockScalar;

/// Returns the lines of a plain scalar or one in quotes: the first as it stands behind its key, the others
/// without indentation. An empty line is content.
pub(super) fn flow_lines(text: &str) -> Vec<String> {
    let text = in_double_quotes(text);
    let is_escaping = text.starts_with('"');
    let last = text.matches('\n').count();
    let line = |(place, line): (usize, &str)| {
        let line = if place == 0 { line } else { line.trim_start_matches([' ', '\t']) };
        let trimmed = line.trim_end_matches([' ', '\t']);
        // `\ ` is a space that counts.
        let is_cut = place < last && !(is_escaping && trimmed.ends_with('\\'));
        if is_cut { trimmed } else { line }.to_owned()
    };
    text.split('\n').enumerate().map(line).collect()
}

/// Returns a scalar with double quotes instead of single ones, as far as no letter in it minds. A plain one that
/// begins as if documents were parted there gets some: it may come to stand in the first column.
fn in_double_quotes(text: &str) -> String {
    let behind_marker = text.strip_prefix("---").or_else(|| text.strip_prefix("..."));
    if behind_marker.is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\t', '\n'])) {
        return in_double_quotes(&format!("'{}'", text.replace('\'', "''")));
    }
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(content) if !content.contains(['\\', '"', '\'']) => format!("\"{content}\""),
        _ => text.to_owned(),
    }
}

/// A block scalar's header and its lines, without indentation.
pub(super) struct Written {
    pub(super) header: String,
    pub(super) lines: Vec<String>,
    /// Whether a blank line behind it would be part of its value.
    pub(super) keeps_breaks: bool,
}

/// Returns a block scalar as it is written where its content is indented by two. `scalar` begins with the header
/// and ends with the content, and `content_start` is a place in it. `is_root` says that the file is nothing else.
pub(super) fn block(scalar: &str, content_start: usize, block: &BlockScalar, is_root: bool) -> Written {
    let mut header: String = scalar.chars().take(1).collect();
    let indicators =
        scalar[1..].split(|letter: char| letter.is_ascii_whitespace()).next().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    if block.has_content {
        let first = scalar[..content_start].rfind('\n').map_or(0, |at| at + 1);
        let indentation = content_start - first;
        let behind_header = scalar.split('\n').skip(1);
        lines.extend(behind_header.map(|line| line.get(indentation..).unwrap_or_default().to_owned()));
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        // The first line that is not empty tells the indentation, unless it has more.
        if lines.iter().find(|line| !line.is_empty()).is_some_and(|line| line.starts_with([' ', '\t'])) {
            header.push('2');
        }
    } else if is_root || indicators.contains(|letter: char| letter.is_ascii_digit()) {
        // Without content, it may be what keeps a comment below from being some; so may spaces in an empty line, where the
        // file is nothing else.
        header.push('2');
    }
    // What follows from the value: a file may end within it, and blank lines only belong to it with `+`.
    let keeps_breaks = block.final_breaks > usize::from(block.has_content);
    if keeps_breaks {
        header.push('+');
        lines.extend(std::iter::repeat_n(String::new(), block.final_breaks - usize::from(block.has_content)));
    } else if block.has_content && block.final_breaks == 0 {
        header.push('-');
    } else if !block.has_content {
        header.extend(indicators.contains('-').then_some('-'));
    }
    Written { header, lines, keeps_breaks }
}
