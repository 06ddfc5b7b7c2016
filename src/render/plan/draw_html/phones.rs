//! A message as phones show it: plain cards, one for all that show it alike. Where there are very many campaigns, one for all that
//! show as much of it.

use maud::{Markup, html};
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::{Alert, LengthUnit, Measure, ShowingRule, ShownIn, TextLimits, TooLong};
use crate::render::html::{Foreign, ForeignLines, language};
use crate::render::plan::showing;
use crate::render::text::number;

/// Phones on which the message looks the same.
struct Card<'a> {
    rules: Vec<&'static ShowingRule>,
    title: Fit<'a>,
    body: Fit<'a>,
}

/// What a phone has room for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fit<'a> {
    shown: &'a str,
    is_cut: bool,
}

/// Returns the cards.
pub(super) fn cards(
    (title, body): (&str, &str),
    rules: &[&'static ShowingRule],
    is_unfolded: bool,
) -> Markup {
    let mut cards: Vec<Card<'_>> = Vec::new();
    for rule in showing::alike(rules).into_iter().flatten() {
        let limits = TextLimits::of(rule.phones);
        let fits = |text, most: fn(&TextLimits) -> usize| match limits {
            Some(limits) => fitting(text, limits.unit, most(limits)),
            None => Fit { shown: text, is_cut: false },
        };
        let (title, body) = (fits(title, |limits| limits.title), fits(body, |limits| limits.body));
        let is_alike = |card: &&mut Card<'_>| {
            let is_shown_alike = card.rules[0].words == rule.words || !is_unfolded;
            is_shown_alike && (card.title, card.body) == (title, body)
        };
        match cards.iter_mut().find(is_alike) {
            Some(card) => card.rules.push(rule),
            None => cards.push(Card { rules: vec![rule], title, body }),
        }
    }
    let (title, body) = (Measure::of(title), Measure::of(body));
    html! {
        details.more open[is_unfolded] {
            summary { "On phones, at its longest" }
            div.cards { @for card in &cards { (self::card(card, (title, body), is_unfolded)) } }
        }
    }
}

/// Returns the longest beginning of a text that is no longer than this, cut between what people see as characters.
fn fitting(text: &str, unit: LengthUnit, most: usize) -> Fit<'_> {
    if unit.count(Measure::of(text)) <= most {
        return Fit { shown: text, is_cut: false };
    }
    let (mut used, mut end) = (0, 0);
    for (at, character) in text.grapheme_indices(true) {
        used += unit.count(Measure::of(character));
        if used > most {
            break;
        }
        end = at + character.len();
    }
    Fit { shown: &text[..end], is_cut: true }
}

fn card(card: &Card<'_>, measures: (Measure, Measure), is_of_one_kind: bool) -> Markup {
    let rule = card.rules[0];
    let (class, place) = match rule.shown_in {
        _ if !is_of_one_kind => ("", "Notification"),
        ShownIn::LockScreen => ("lock", "Lock screen"),
        ShownIn::Drawer => ("", "Drawer"),
        ShownIn::Box => ("box", "Box in the drawer"),
        ShownIn::App => ("none", "The app"),
        ShownIn::NotKnown => ("none", "Where: not known"),
    };
    let alert = match rule.alert {
        _ if !is_of_one_kind => None,
        Alert::Rings => Some("rings"),
        Alert::Silent => Some("silent"),
        Alert::NotKnown => Some("sound: not known"),
    };
    html! {
        figure {
            div.phone.(class) {
                p.bar { span { (place) } @if let Some(alert) = alert { " " span { (alert) } } }
                div.note {
                    p.t dir="auto" lang=[language(card.title.shown)] {
                        (Foreign(card.title.shown)) @if card.title.is_cut { "…" }
                    }
                    p dir="auto" lang=[language(card.body.shown)] {
                        (ForeignLines(card.body.shown)) @if card.body.is_cut { "…" }
                    }
                }
            }
            figcaption {
                @if is_of_one_kind { p { strong { (showing::names(&card.rules)) } ": " (rule.words) } }
                @for rule in &card.rules { (terms(rule, measures)) }
            }
        }
    }
}

/// Says how long a vendor's texts may be, and by which rule it shows them so.
fn terms(rule: &ShowingRule, (title, body): (Measure, Measure)) -> Markup {
    let of = |measure: Measure, unit: LengthUnit, most: usize| {
        let count = unit.count(measure);
        (format!("{} of {}", number(count as u64), number(most as u64)), count > most)
    };
    html! {
        p.terms {
            (rule.phones.as_str()) ": "
            @if let Some(limits) = TextLimits::of(rule.phones) {
                @let (title, is_title_cut) = of(title, limits.unit, limits.title);
                @let (body, is_body_cut) = of(body, limits.unit, limits.body);
                "title " (title) ", body " (body) " "
                @if is_title_cut || is_body_cut {
                    strong.bad { @match limits.too_long {
                        TooLong::Dropped => "too long: the push is dropped",
                        TooLong::Shortened => "longer than is shown",
                    } } " "
                }
            }
            a href={ "#r" (rule.number()) } { "rule " (rule.number()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Classification, Phones, ShownMessage};

    fn drawn(title: &str, body: &str, phones: &[Phones], is_unfolded: bool) -> String {
        let classification = Classification::default();
        let message =
            ShownMessage { classification: &classification, is_self_built: false, passed_through: &[] };
        let rules: Vec<_> = phones.iter().map(|phones| message.on(*phones)).collect();
        cards((title, body), &rules, is_unfolded).into_string()
    }

    #[test]
    fn a_text_is_cut_between_characters_as_people_see_them() {
        let cut = |text, unit, most| fitting(text, unit, most).shown;
        assert_eq!(cut("工资到账", LengthUnit::HalfWidths, 7), "工资到");
        assert_eq!(cut("工资到账", LengthUnit::HalfWidths, 8), "工资到账");
        assert_eq!(cut("Pay 工资", LengthUnit::Characters, 5), "Pay 工");
        // A family is one picture of five characters, and a letter stays with its accent.
        assert_eq!(cut("a👨\u{200d}👩\u{200d}👧b", LengthUnit::Characters, 5), "a");
        assert_eq!(cut("e\u{301}e\u{301}", LengthUnit::Characters, 3), "e\u{301}");
        assert_eq!(cut("שכר דצמבר", LengthUnit::Characters, 3), "שכר");
        assert!(
            fitting("ab", LengthUnit::Characters, 1).is_cut
                && !fitting("ab", LengthUnit::Characters, 2).is_cut
        );
    }

    #[test]
    fn phones_that_show_it_alike_share_a_card_as_long_as_it_fits() {
        let all = drawn("工资到账", "B", &Phones::ALL, true);
        assert_eq!(all.matches("<figure>").count(), 4, "{all}");
        assert!(all.contains("<strong>Huawei, Honor, Xiaomi, OPPO</strong>: drawer only, silent"), "{all}");
        assert!(all.contains("Huawei: title 4 of 40, body 1 of 1 024"), "{all}");
        assert!(all.contains("Honor: title 8 of 60, body 1 of 4 096"), "{all}");
        let long = drawn(&"x".repeat(33), "B", &[Phones::Huawei, Phones::Oppo], true);
        assert_eq!(long.matches("<figure>").count(), 2, "{long}");
        assert!(long.contains(&format!(">{}…<", "x".repeat(32))), "{long}");
        let dropped = "title 33 of 32, body 1 of 200 <strong class=\"bad\">too long: the push is dropped";
        assert!(long.contains(dropped), "{long}");
        // Where there are many campaigns, one picture for all that show as much.
        let folded =
            drawn(&"x".repeat(33), "B", &[Phones::Huawei, Phones::Honor, Phones::Vivo, Phones::Oppo], false);
        assert_eq!(folded.matches("<figure>").count(), 2, "{folded}");
        assert!(!folded.contains(" open"), "{folded}");
    }
}
