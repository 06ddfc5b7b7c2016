//! Syntax errors in plain words.

use std::sync::Arc;

use granit_parser::{ErrorKind, Marker, ScanError};

use crate::diagnostic::{Code, Diagnostic, Place, Source};

/// Says what is wrong with the text at a syntax error, and what to do.
pub(super) fn diagnose(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    if *error.kind() == ErrorKind::MappingValueNotAllowed
        && let Some(colon) = glued_colon(source.text(), offset(source, error.marker()))
    {
        let place = Place::span(source, colon..colon + 1);
        return Diagnostic::error(Code::YamlSyntax, place, "a colon without a space after it is text")
            .help("put a space after the colon: `key: value`");
    }
    let (message, help) = explain(error.kind());
    let message = message.map_or_else(|| error.kind().to_string(), str::to_owned);
    let diagnostic = Diagnostic::error(Code::YamlSyntax, place(source, error.marker()), message);
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Finds the colon of a `key:value` in the line above an offset, which the parser could not yet complain of.
fn glued_colon(text: &str, offset: usize) -> Option<usize> {
    let line_start = text[..offset].rfind('\n')?;
    let above_start = text[..line_start].rfind('\n').map_or(0, |at| at + 1);
    let above = &text[above_start..line_start];
    let (key, value) = above.split_once(':')?;
    let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let is_key = !key.trim().is_empty() && key.trim().chars().all(is_word);
    let is_glued = !value.is_empty() && !value.starts_with([' ', '/', '\r']) && !value.contains(": ");
    (is_key && is_glued).then_some(above_start + key.len())
}

fn offset(source: &Source, marker: &Marker) -> usize {
    source.text().floor_char_boundary(marker.byte_offset().unwrap_or_default())
}

/// Returns the character, or the alias, at a marker; at the end of the text, its last visible one.
pub(super) fn place(source: &Arc<Source>, marker: &Marker) -> Place {
    let text = source.text();
    let mut start = offset(source, marker);
    if text[start..].trim().is_empty() {
        start = text.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
    }
    // Of an alias, all of its name.
    let length = match text[start..].strip_prefix('*') {
        Some(name) => {
            1 + name.find(|end: char| end.is_whitespace() || ",[]{}".contains(end)).unwrap_or(name.len())
        }
        None => text[start..].chars().next().map_or(0, char::len_utf8),
    };
    let end = start + length;
    Place::span(source, start..end)
}

/// Returns a message, where the parser's own is not plain enough, and a help.
fn explain(kind: &ErrorKind) -> (Option<&'static str>, Option<&'static str>) {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            (Some("a tab where YAML wants spaces"), Some("indent with spaces only"))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            Some("a colon begins a value where none is allowed"),
            Some("quote a text that has `: ` in it, and give each key a line of its own"),
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            Some("a key without its colon, or a text that does not belong here"),
            Some("write `key: value` with a space after the colon; check the indentation"),
        ),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockSequenceEntry => (
            Some("this line does not fit the lines above it"),
            Some("give the keys of a mapping, and the dashes of a list, the same indentation"),
        ),
        ErrorKind::MappingKeyNotAllowed | ErrorKind::BlockSequenceEntryNotAllowed => {
            (None, Some("begin it on a line of its own, indented below its key"))
        }
        ErrorKind::UnclosedQuotedScalar => {
            (Some("a quote that is never closed"), Some("close it, or quote the text that has a quote in it"))
        }
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::DocumentIndicatorInQuotedScalar => (
            Some("a quoted text that goes on where it cannot"),
            Some("close the quote, or indent the lines that follow"),
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            Some("text after a closing quote"),
            Some("put all of the text inside the quotes; write a quote inside as `''` or `\\\"`"),
        ),
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::InvalidLowSurrogateHexEscape => (
            Some("an escape that YAML does not have"),
            Some("write a backslash as `\\\\`, or use single quotes"),
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator => (
            Some("a `[` or `{` that is never closed, or a missing comma"),
            Some("close it, put commas between the items, and quote a text that has brackets in it"),
        ),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => (
            Some("a closing bracket that closes nothing"),
            Some("match each `]` and `}` with its opening bracket"),
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            (None, Some("quote a text that begins with a special character such as `@`, `%` or a backtick"))
        }
        ErrorKind::UnknownAnchor => (
            Some("an alias whose anchor is not in this file above it"),
            Some("quote a text that begins with `*`, or declare the anchor with `&` first"),
        ),
        ErrorKind::DirectiveDisallowed => (
            Some("a directive, which could change how the file is read"),
            Some("remove the line; files are read as YAML 1.2"),
        ),
        ErrorKind::CommentNotSeparated => (None, Some("put a space before the `#`, or quote the text")),
        ErrorKind::BomInsideDocument => {
            (Some("a byte-order mark inside the text"), Some("remove the invisible character U+FEFF"))
        }
        _ => (None, None),
    }
}
