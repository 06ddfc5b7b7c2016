//! What tells a mistake from all others and stays when lines move: forges go by it to say which mistakes are new.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Place};

/// Returns one fingerprint for each diagnostic, no two alike: of its code, its file, the first line of what it points at, and
/// which of several like that it is. Messages may name lines, and so they do not count.
pub(super) fn fingerprints(diagnostics: &[Diagnostic]) -> Vec<String> {
    let mut known: HashMap<[u8; 32], u64> = HashMap::new();
    diagnostics
        .iter()
        .map(|diagnostic| {
            let mut hash = Sha256::new();
            let place = diagnostic.primary.as_ref().map(|label| &label.place);
            let parts = [
                diagnostic.code.as_str(),
                place.map(Place::path).unwrap_or_default(),
                place.map_or("", pointed_at),
            ];
            for part in parts {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            let alike = known.entry(hash.clone().finalize().into()).or_default();
            hash.update(alike.to_be_bytes());
            *alike += 1;
            hex::encode(hash.finalize())
        })
        .collect()
}

/// Returns the first line of the text at a place.
fn pointed_at(place: &Place) -> &str {
    match place {
        Place::Span(span) => {
            let text = span.source.text().get(span.range.clone()).unwrap_or_default();
            text.trim_start().lines().next().unwrap_or_default().trim_end()
        }
        Place::Line { .. } | Place::File { .. } => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Source};

    fn found(text: &str, needles: &[&str]) -> Vec<String> {
        let source = Source::new("a.yaml".to_owned(), text.to_owned());
        let mut from = 0;
        let diagnostics: Vec<Diagnostic> = needles
            .iter()
            .map(|needle| {
                let start = from + text[from..].find(needle).unwrap();
                from = start + 1;
                let line = source.line(start);
                Diagnostic::error(
                    Code::WrongValue,
                    Place::span(&source, start..start + needle.len()),
                    format!("as in line {line}"),
                )
            })
            .collect();
        fingerprints(&diagnostics)
    }

    #[test]
    fn a_fingerprint_stays_where_lines_move_and_is_of_one_mistake_alone() {
        let before = found("a: x\nb: y\nc: x\n", &["x", "y", "x"]);
        let after = found("# new\n\na: x\n  # new\nb: y\nz: 1\nc: x\n", &["x", "y", "x"]);
        assert_eq!(before, after);
        assert!(before[0] != before[1] && before[0] != before[2] && before[1] != before[2]);
        assert_ne!(found("a: x\n", &["a: x"]), found("a: x\n", &["x"]));
    }
}
