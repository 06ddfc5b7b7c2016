//! How much is said: of one text, and of one kind of mistake.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::diagnostic::{Code, Diagnostic, Place, Severity, number};

/// Most mistakes of one code in one file that are reported one by one: nobody mends more of them one at a time.
pub const ALIKE_MAX: usize = 100;

/// Longest message or help, in characters. Room for every list of names that we write, and for a few long names;
/// what is quoted from a file may be as long as the file.
const TEXT_CHARS_MAX: usize = 1200;

/// How much of a text's end is kept: it says what is the matter with what comes before.
const TEXT_CHARS_AT_END: usize = 200;

/// Replaces all but the first [`ALIKE_MAX`] mistakes of each code in each file by their count. Keeps the order.
pub fn limit_alike(diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.len() <= ALIKE_MAX {
        return;
    }
    let mut counts: HashMap<(Option<String>, Code, Severity), usize> = HashMap::new();
    diagnostics.retain(|diagnostic| {
        let file = diagnostic.primary.as_ref().map(|label| label.place.path().to_owned());
        let count = counts.entry((file, diagnostic.code, diagnostic.severity)).or_default();
        *count += 1;
        *count <= ALIKE_MAX
    });
    let mut left_out: Vec<_> = counts.into_iter().filter(|(_, count)| *count > ALIKE_MAX).collect();
    left_out.sort_unstable();
    diagnostics.extend(left_out.into_iter().map(|((file, code, severity), count)| {
        let message = match count - ALIKE_MAX {
            1 => "there is one more mistake of this kind in this file".to_owned(),
            more => format!("there are {} more mistakes of this kind in this file", number(more as u64)),
        };
        let diagnostic = Diagnostic::new(severity, code, file.map(Place::file), message);
        diagnostic.help("mend those that are shown, and run it again")
    }));
}

/// Cuts out the middle of a text that is too long to be read.
pub(super) fn shortened(text: String) -> String {
    if text.len() <= TEXT_CHARS_MAX {
        return text;
    }
    shorten(&text).into_owned()
}

fn shorten(text: &str) -> Cow<'_, str> {
    let begins = text.char_indices().nth(TEXT_CHARS_MAX - TEXT_CHARS_AT_END);
    let ends = text.char_indices().rev().nth(TEXT_CHARS_AT_END - 1);
    match (begins, ends) {
        (Some((begins, _)), Some((ends, _))) if text[begins..ends].chars().nth(1).is_some() => {
            Cow::Owned(format!("{}…{}", &text[..begins], &text[ends..]))
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(count: usize, file: &str) -> Vec<Diagnostic> {
        let mistake = |line| Place::Line { path: file.to_owned(), line };
        (1..=count as u64).map(|line| Diagnostic::error(Code::BadTarget, mistake(line), "x")).collect()
    }

    #[test]
    fn the_first_hundred_of_a_kind_are_shown_and_the_rest_is_counted() {
        let mut found = mistakes(ALIKE_MAX, "a");
        found.extend(mistakes(ALIKE_MAX + 3, "b"));
        found.push(Diagnostic::warning(Code::BadTarget, Place::file("b"), "y"));
        limit_alike(&mut found);
        assert_eq!(found.len(), 2 * ALIKE_MAX + 2);
        let last = found.last().unwrap();
        assert_eq!(last.message, "there are 3 more mistakes of this kind in this file");
        assert!(
            last.is_error()
                && last.code == Code::BadTarget
                && last.primary.as_ref().unwrap().place.path() == "b"
        );
        let mut once_more = mistakes(ALIKE_MAX + 1, "a");
        limit_alike(&mut once_more);
        assert_eq!(once_more.last().unwrap().message, "there is one more mistake of this kind in this file");
    }

    #[test]
    fn a_text_that_is_too_long_keeps_its_beginning_and_its_end() {
        let long = format!("no audience named `{}` anywhere", "您".repeat(1_000_000));
        let short = shortened(long);
        assert_eq!(short.chars().count(), TEXT_CHARS_MAX + 1);
        assert!(short.starts_with("no audience named `您") && short.ends_with("您` anywhere"));
        let fits = "您".repeat(TEXT_CHARS_MAX);
        assert_eq!(shortened(fits.clone()), fits);
        assert_eq!(shortened(format!("{fits}a")).chars().count(), TEXT_CHARS_MAX + 1);
    }
}
