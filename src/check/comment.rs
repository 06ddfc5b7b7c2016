//! Rules about comments that were meant as text.

use crate::diagnostic::{Code, Diagnostic, Place};

/// `text-in-comment`: to YAML, ` #` after a bare text begins a comment, so that `Dear #name#` says `Dear`. A
/// comment that a person means has a space after its `#`. `noun` names the text that phones show.
pub(super) fn text_in_comment(out: &mut Vec<Diagnostic>, value: &Place, noun: impl FnOnce() -> String) {
    let Place::Span(span) = value else { return };
    let source = &span.source;
    let rest = &source.text()[span.range.end..];
    let rest = rest.split(['\r', '\n']).next().unwrap_or_default();
    let comment = rest.trim_start_matches([' ', '\t']);
    // A `#` right behind the text is a part of it: then this is no whole scalar, but one that an alias repeats.
    let is_comment = comment.len() < rest.len() && comment.starts_with('#');
    let is_meant =
        comment.strip_prefix('#').is_none_or(|text| text.is_empty() || text.starts_with([' ', '\t']));
    let is_bare = !source.text()[span.range.clone()].starts_with(['"', '\'', '|', '>']);
    if is_comment && is_bare && !is_meant {
        let start = span.range.end + (rest.len() - comment.len());
        let place = Place::span(source, start..start + comment.trim_end().len());
        let message = format!("YAML takes this for a comment, not for a part of {}", noun());
        out.push(
            Diagnostic::error(Code::TextInComment, place, message)
                .related(value.clone(), "all that is left of it")
                .help("quote the whole text; if it is a comment, put a space after the `#`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    fn title(title: &str) -> String {
        let (_, others) = campaign("").split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        diagnose(&format!("templates:\n  t:\n    name: T\n    title: {title}\n    body: Body\n{others}"))
    }

    #[test]
    fn a_text_that_a_comment_cuts_short_is_refused() {
        insta::assert_snapshot!(title("Dear #name#, hello"), @r"
        a.yaml:4:17 text-in-comment: YAML takes this for a comment, not for a part of the title
            a.yaml:4:12 all that is left of it
            = quote the whole text; if it is a comment, put a space after the `#`
        ");
        assert_eq!(title("Sale #1").lines().count(), 3);
    }

    #[test]
    fn a_comment_that_is_meant_is_none_of_our_business() {
        for text in ["Title # a comment", "Title", "\"Dear\" #note", "\"Dear #1\"", "C#1", "Title #"] {
            assert_eq!(title(text), "", "{text}");
        }
    }

    #[test]
    fn a_value_that_a_comment_cuts_short_is_refused() {
        let value =
            campaign(", values: {\n    order: Order #1234\n  }").replace("body: Body", "body: \"#order#\"");
        insta::assert_snapshot!(diagnose(&value), @r"
        a.yaml:6:18 text-in-comment: YAML takes this for a comment, not for a part of the value of `order`
            a.yaml:6:12 all that is left of it
            = quote the whole text; if it is a comment, put a space after the `#`
        ");
    }
}
