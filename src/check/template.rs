//! Rules about templates.

use crate::check::comment::text_in_comment;
use crate::check::declaration::Declaration;
use crate::check::text_limits::TEXT_BYTES_MAX;
use crate::check::texts::Texts;
use crate::check::{foreign_placeholder, wire_text};
use crate::diagnostic::{Code, Diagnostic, Place, number};
use crate::domain::{LineFeeds, Template, TemplateName, is_blank};
use crate::load::model::TemplateSyntax;

/// Applies the rules of one template.
pub(super) fn template(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, TemplateSyntax>,
) -> Option<Template> {
    let TemplateSyntax { name: _, title, body } = declaration.syntax;
    let name = template_name(out, declaration);
    if !empty_text(out, declaration, "title", title) {
        wire_text::check(out, "title", title, || declaration.value(&["title"]));
    }
    if !empty_text(out, declaration, "body", body) {
        wire_text::check_control(out, ("body", body), LineFeeds::Allowed, || declaration.value(&["body"]));
    }
    foreign_placeholder::template(out, declaration);
    endless_text(out, declaration);
    for key in ["title", "body"] {
        text_in_comment(out, &declaration.value(&[key]), || format!("the {key}"));
    }
    Some(Template { name: name?, title: title.clone(), body: body.clone() })
}

/// `template-name`: at most 200 characters and no comma (vendor page 134424 and the API page of `PushTemplate`).
fn template_name(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, TemplateSyntax>,
) -> Option<TemplateName> {
    let name = &declaration.syntax.name;
    let place = || declaration.value(&["name"]);
    match name.parse::<TemplateName>() {
        Ok(parsed) => {
            if let Some(flaw) = wire_text::flaw(name) {
                let message = format!("the template name {flaw}");
                let diagnostic = Diagnostic::error(Code::TemplateName, place(), message);
                out.push(diagnostic.help("write the name exactly as the mPaaS console shows it"));
            }
            Some(parsed)
        }
        Err(error) => {
            let diagnostic = Diagnostic::error(Code::TemplateName, place(), error.to_string());
            out.push(diagnostic.help("write the name that the template has in the mPaaS console"));
            None
        }
    }
}

/// `empty-text`: vendor channels fail a push without a title or a body (vendor page 311229). Returns whether it is one.
fn empty_text(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, TemplateSyntax>,
    key: &str,
    text: &str,
) -> bool {
    let is_empty = is_blank(text);
    if is_empty {
        let message = format!("the {key} of template `{}` is empty", declaration.name);
        out.push(
            Diagnostic::error(Code::EmptyText, declaration.value(&[key]), message)
                .help(format!("copy the template's {key} from the mPaaS console: it is what people review")),
        );
    }
    is_empty
}

/// `text-too-long`: a text of such length that it is not looked at any further.
fn endless_text(out: &mut Vec<Diagnostic>, template: &Declaration<'_, TemplateSyntax>) {
    for (key, text) in Texts::of(template.syntax).by_key() {
        if text.len() > TEXT_BYTES_MAX {
            let message =
                format!("the {key} of template `{}` has {} bytes", template.name, number(text.len() as u64));
            out.push(endless(template.value(&[key]), message));
        }
    }
}

/// Says of a text of such length what to do.
pub(super) fn endless(place: Place, message: String) -> Diagnostic {
    Diagnostic::error(Code::TextTooLong, place, message).help(format!(
        "shorten it: no channel takes more than a few thousand bytes, and none {}",
        number(TEXT_BYTES_MAX as u64)
    ))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    #[test]
    fn a_name_is_what_the_vendor_knows() {
        insta::assert_snapshot!(diagnose(&campaign("").replace("name: T,", "name: \"a,b\",")), @r"
        a.yaml:1:25 template-name: a template name cannot contain a comma
            = write the name that the template has in the mPaaS console
        ");
        insta::assert_snapshot!(diagnose(&campaign("").replace("name: T,", "name: \"T \",")), @r"
        a.yaml:1:25 template-name: the template name ends with white space: U+0020
            = write the name exactly as the mPaaS console shows it
        ");
        insta::assert_snapshot!(diagnose(&campaign("").replace("name: T,", &format!("name: {},", "字".repeat(201)))), @r"
        a.yaml:1:25 template-name: a template name has at most 200 characters, this one has 201
            = write the name that the template has in the mPaaS console
        ");
    }

    #[test]
    fn title_and_body_are_mirrored() {
        insta::assert_snapshot!(diagnose(&campaign("").replace("title: Title", "title: \" \"")), @r"
        a.yaml:1:35 empty-text: the title of template `t` is empty
            = copy the template's title from the mPaaS console: it is what people review
        ");
        for blank in ["\\u200B", "\\u3164", "\\u2800\\u00AD"] {
            let title = diagnose(&campaign("").replace("title: Title", &format!("title: \"{blank}\"")));
            assert!(title.contains("empty-text: the title of template `t` is empty"), "{title}");
        }
    }

    #[test]
    fn what_nobody_sees_is_not_in_a_title_and_a_body_may_have_lines() {
        let text = |key: &str, text: &str| {
            let old = if key == "title" { "title: Title" } else { "body: Body" };
            diagnose(&campaign("").replace(old, &format!("{key}: \"{text}\"")))
        };
        assert_eq!(text("title", "Hi 👩\u{200d}💻"), "");
        assert_eq!(text("body", "two\\nlines\\n"), "");
        insta::assert_snapshot!(text("title", "Hi\\u00A0"), @r"
        a.yaml:1:35 wrong-value: `title` ends with white space: U+00A0
            = remove it: it would be sent
        ");
        insta::assert_snapshot!(text("title", "two\\nlines"), @r"
        a.yaml:1:35 wrong-value: `title` contains the control character U+000A
            = remove it: it would be sent
        ");
        insta::assert_snapshot!(text("body", "a\\e[31m"), @r"
        a.yaml:1:48 wrong-value: `body` contains the control character U+001B
            = remove it: it would be sent
        ");
    }
}
