//! Diagnostics for people, machines and workflow pages.

mod fingerprint;
mod github;
mod gitlab;
mod json;
mod sarif;
mod text;

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::render::escape::plain;
use crate::render::text as words;

pub use github::github;
pub use gitlab::gitlab;
pub use json::json;
pub use sarif::sarif;
pub use text::{Look, text};

/// Renders diagnostics for people, one after the other with an empty line between.
#[must_use]
pub fn texts(diagnostics: &[Diagnostic], look: Look) -> String {
    diagnostics.iter().map(|diagnostic| text(diagnostic, look)).collect::<Vec<_>>().join("\n")
}

/// Says once, below all of them, where more is to be read: a line that names the only code, or the first
/// one as an example. Empty where there are none.
#[must_use]
pub fn for_more(diagnostics: &[Diagnostic]) -> String {
    let codes: BTreeSet<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let worst = diagnostics.iter().find(|diagnostic| diagnostic.is_error()).or(diagnostics.first());
    match worst {
        None => String::new(),
        Some(only) if codes.len() == 1 => format!("for more: campaignctl explain {}", only.code),
        Some(first) => format!("for more: campaignctl explain CODE, such as {}", first.code),
    }
}

/// Counts in one line: `3 errors, 1 warning in 2 files`, or `no mistakes found`.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors_count = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings_count = diagnostics.len() - errors_count;
    let counts: Vec<String> = [(errors_count, "error"), (warnings_count, "warning")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    if counts.is_empty() {
        return "no mistakes found".to_owned();
    }
    let files: BTreeSet<&str> = diagnostics
        .iter()
        .filter_map(|diagnostic| diagnostic.primary.as_ref())
        .map(|label| label.place.path())
        .collect();
    match files.len() {
        0 => counts.join(", "),
        files_count => format!("{} in {}", counts.join(", "), counted(files_count, "file")),
    }
}

/// Returns message, label, related places and help, each on a line of its own in which nothing is hidden.
fn told(diagnostic: &Diagnostic) -> Vec<String> {
    let mut lines = vec![diagnostic.message.clone()];
    lines.extend(diagnostic.primary.iter().map(|label| label.text.clone()).filter(|text| !text.is_empty()));
    lines.extend(diagnostic.related.iter().map(|label| format!("{}: {}", label.text, label.place)));
    lines.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.iter().map(|line| plain(line)).collect()
}

fn counted(count: usize, noun: &str) -> String {
    words::count(count as u64, noun)
}

#[cfg(test)]
mod tests;
