//! Texts that go to the vendor as they are written.

use crate::diagnostic::{Code, Diagnostic, Place};

/// Says what is wrong with a text that names something: it is blank, has white space at an end, or a
/// control character. Nobody sees these in a review, and to the vendor each makes another name.
pub(super) fn flaw(text: &str) -> Option<&'static str> {
    if text.trim().is_empty() {
        Some("is blank")
    } else if text.trim() != text {
        Some("begins or ends with white space")
    } else if text.chars().any(char::is_control) {
        Some("contains a control character")
    } else {
        None
    }
}

/// `wrong-value`: such a text where the vendor looks something up by it.
pub(super) fn check(out: &mut Vec<Diagnostic>, key: &str, text: &str, place: impl FnOnce() -> Place) {
    if let Some(flaw) = flaw(text) {
        let help = if text.trim().is_empty() {
            "write it, or remove the key"
        } else {
            "remove it: it would be sent"
        };
        out.push(Diagnostic::error(Code::WrongValue, place(), format!("`{key}` {flaw}")).help(help));
    }
}
