//! What can be a key: text, to every reader.

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Place, Source};
use crate::load::yaml::scalar::{self, Scalar};
use crate::load::yaml::tree::{Kind, MERGE_KEY, NodeId, Tree};

/// A key of the campaign format that YAML 1.1 reads as `true`. It is well known from workflow files, every
/// editor leaves it alone, and nothing else in the format could be meant.
const KEY_THAT_LOOKS_BOOLEAN: &str = "on";

/// Returns a key's text.
pub(super) fn read<'tree>(
    source: &Arc<Source>,
    tree: &'tree Tree,
    key: NodeId,
) -> Result<&'tree str, Diagnostic> {
    let place = || Place::span(source, tree.range(key));
    let Kind::Scalar { text, is_plain } = tree.kind(tree.target(key)) else {
        return Err(Diagnostic::error(
            Code::WrongType,
            place(),
            "a key must be text, not a list or a mapping",
        )
        .help("begin a value with a space after the colon, and quote a key with brackets in it"));
    };
    if !is_plain {
        if text == MERGE_KEY {
            return Err(Diagnostic::error(
                Code::AmbiguousScalar,
                place(),
                "the quoted key `<<` merges to some YAML readers and not to others",
            )
            .help("remove the quotes to merge, or choose another key"));
        }
        return Ok(text);
    }
    if matches!(text, MERGE_KEY | KEY_THAT_LOOKS_BOOLEAN) {
        return Ok(text);
    }
    match scalar::read(text) {
        Ok(Scalar::Text) => Ok(text),
        Ok(Scalar::Null) => {
            Err(Diagnostic::error(Code::WrongType, place(), "a key must be text, not nothing")
                .help("write the key before the colon"))
        }
        Ok(_) => Err(Diagnostic::error(
            Code::WrongType,
            place(),
            format!("a key must be text, and `{text}` is not"),
        )
        .help(format!("quote it: \"{text}\""))),
        Err(ambiguity) => Err(Diagnostic::error(
            Code::AmbiguousScalar,
            place(),
            format!("the key `{text}` {}", ambiguity.reason()),
        )
        .help(format!("quote it: \"{text}\""))),
    }
}

/// Whether a scalar is text to every reader, and merges nothing: a key in which [`read`] finds no fault.
pub(super) fn is_text(text: &str, is_plain: bool) -> bool {
    let is_own = text == KEY_THAT_LOOKS_BOOLEAN || matches!(scalar::read(text), Ok(Scalar::Text));
    text != MERGE_KEY && (!is_plain || is_own)
}

/// Refuses a key such as the `a:1` of `{a:1}`, which was meant as a key and its value: to YAML it is all key.
pub(super) fn glued(source: &Arc<Source>, tree: &Tree, key: NodeId, value: NodeId) -> Option<Diagnostic> {
    let Kind::Scalar { is_plain: true, .. } = tree.kind(key) else { return None };
    let (text, range) = (source.text(), tree.range(key));
    let colon = range.start + text[range.clone()].find(':')?;
    // A colon of the key's own, as in `https://a: 1`, comes with another one behind the key.
    if !tree.range(value).is_empty() || text[range.end..].trim_start().starts_with(':') {
        return None;
    }
    let message = "a colon without a space after it is text";
    let diagnostic = Diagnostic::error(Code::YamlSyntax, Place::span(source, colon..colon + 1), message);
    Some(diagnostic.help("put a space after the colon: `key: value`"))
}
