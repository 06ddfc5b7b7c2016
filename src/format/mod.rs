//! A YAML file as everybody would write it: indentation, quotes and order of keys, every comment kept.
//!
//! Edits the text and never writes it anew from values. What comes out is read again and held to what went
//! in: were a value or a comment different, the text would be left as it was. Knows no key's name, only the
//! order in which `schema` has them; `load` says what a text means, and where its mappings stand.

mod flow;
mod key_order;
mod layout;
mod nodes;
mod order;
mod printer;
mod scalar;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};
use crate::load::{self, Outline, PROJECT_FILE};

pub use key_order::FileKind;

/// Most steps until a text is settled: two in all that was tried.
const STEPS_MAX: usize = 5;

/// Why a text was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftAlone {
    /// It cannot be read.
    Mistakes(Vec<Diagnostic>),
    /// Formatted, it would say something else, or lack a comment: a mistake of this room. None is known.
    WouldChange,
}

impl FileKind {
    /// Returns what kind of file stands at a path.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if name == PROJECT_FILE { Self::Project } else { Self::Campaign }
    }
}

/// Returns a text as it should be written: keys in the order of the schema, between blank lines; two spaces of
/// indentation; double quotes; at most one blank line; comments where they were. Line breaks are those of its
/// first line. Formatting the result again changes nothing.
///
/// # Errors
///
/// Returns [`LeftAlone`] where the text cannot be read, or could not be formatted without harm.
pub fn format(source: &Arc<Source>, kind: FileKind) -> Result<String, LeftAlone> {
    let (outline, mistakes) = load::outline(source);
    let outline = outline.ok_or(LeftAlone::Mistakes(mistakes))?;
    let has_crlf = source.text().split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
    // To YAML, a lone carriage return breaks the line, too, and a mark at the start is none of the text.
    let text = source.text().trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    // An alias must stay behind its anchor: where a sorted text says something else, it is left unsorted.
    let sorted = settled(&text, |text| order::sorted(&layout::lay_out(text)?, kind));
    let formatted = sorted
        .filter(|formatted| says_the_same(&outline, &text, formatted))
        .or_else(|| {
            let laid_out = settled(&text, |text| layout::lay_out(text).map(|laid_out| laid_out.text));
            laid_out.filter(|laid_out| says_the_same(&outline, &text, laid_out))
        })
        .ok_or(LeftAlone::WouldChange)?;
    Ok(if has_crlf { formatted.replace('\n', "\r\n") } else { formatted })
}

/// Repeats a step until it changes nothing more, so that whoever formats again has nothing to do: an entry that
/// moved may leave a blank line where the layout has none.
fn settled(text: &str, step: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut current = step(text)?;
    for _ in 0..STEPS_MAX {
        let next = step(&current)?;
        if next == current {
            return Some(current);
        }
        current = next;
    }
    None
}

fn says_the_same(before: &Outline, text: &str, formatted: &str) -> bool {
    let (after, _) = load::outline(&Source::new(String::new(), formatted.to_owned()));
    let sorted_comments = |text: &str| {
        let mut comments = layout::comments(text)?;
        comments.sort();
        Some(comments)
    };
    after.is_some_and(|after| after.value == before.value)
        && sorted_comments(text).is_some_and(|comments| Some(comments) == sorted_comments(formatted))
}

#[cfg(test)]
mod law_tests;
#[cfg(test)]
mod tests;
