//! Draws a plan as a page: one file without a script, for who signs off what is pushed.
//!
//! Whoever sees no colour reads a word or a sign, whoever sees nothing hears headings, landmarks and tables. What a campaign says
//! is folded, so that hundreds of them stay usable.

mod calendar;
mod campaign;
mod phones;
mod text;

use std::collections::BTreeMap;

use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::domain::{ShowingRule, TEXT_LENGTHS_SOURCE as LENGTHS};
use crate::render::html::{Foreign, content_security_policy};
use crate::render::plan::calendar::Calendar;
use crate::render::plan::view::{Block, Label, Part, Row, RowKind, Span, Topic, View};

use self::text::{each, foreign, sentence, span, spans};

const STYLE: &str = include_str!("style.css");

/// Up to so many campaigns are unfolded.
const UNFOLDED_MAX: usize = 12;

/// Up to so many that have to be looked at are.
const SEEN_MAX: usize = 50;

/// What a part of the page has to know of the others.
struct Page<'a> {
    /// Where a campaign is told of: the place of its block, by name and revision.
    places: BTreeMap<&'a str, usize>,
    /// Whether campaigns are unfolded from the first.
    is_unfolded: bool,
}

/// Returns the page.
pub(super) fn drawn(view: &View, calendar: &Calendar<'_>, zone: Tz) -> String {
    let campaigns: Vec<(usize, &Block)> =
        view.blocks.iter().enumerate().filter(|(_, block)| block.is_campaign()).collect();
    let places = campaigns.iter().filter_map(|(place, block)| {
        let campaign = block.title.as_ref()?.campaign.as_deref()?;
        Some((campaign, *place))
    });
    let page = Page { places: places.collect(), is_unfolded: campaigns.len() <= UNFOLDED_MAX };
    let (seen, others): (Vec<_>, Vec<_>) =
        campaigns.iter().copied().partition(|(_, block)| block.has_to_be_seen());
    let names = names(view);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy(STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Push plan: " (Foreign(&names.join(" in "))) }
                style { (PreEscaped(STYLE)) }
            }
            "\n"
            body {
                (header(view, &names))
                main {
                    (totals(view))
                    @if !seen.is_empty() {
                        section aria-labelledby="seen" {
                            h2 id="seen" { "To look at (" (seen.len()) ")" }
                            @for (place, block) in &seen {
                                (campaign::details(*place, block, &page, seen.len() <= SEEN_MAX)) "\n"
                            }
                        }
                    }
                    @if !campaigns.is_empty() { (overview(&campaigns)) }
                    @if !others.is_empty() {
                        section aria-labelledby="said" {
                            h2 id="said" { "Messages" }
                            @for (place, block) in &others {
                                (campaign::details(*place, block, &page, page.is_unfolded)) "\n"
                            }
                        }
                    }
                    (calendar::section(calendar, zone, &page))
                    @for block in &view.blocks { (counted(block)) }
                    (rules(view))
                }
                footer {
                    p {
                        "Made " (view.made_at) " by " bdi { (Foreign(&view.made_by)) } ". "
                        "What it pushes has the digest " code { (Foreign(&view.digest)) } "."
                    }
                }
            }
        }
    }
    .into_string()
}

/// Returns the names of the project and the environment.
fn names(view: &View) -> Vec<&str> {
    let spans = rows_of(view, Topic::Setting).flat_map(|row| &row.spans);
    let named = spans.filter(|span| matches!(span.label, Label::Project | Label::Environment));
    named.map(Span::as_str).collect()
}

fn rows_of(view: &View, topic: Topic) -> impl Iterator<Item = &Row> {
    view.blocks.iter().filter(move |block| block.topic == topic).flat_map(rows)
}

fn rows(block: &Block) -> impl Iterator<Item = &Row> {
    block.parts.iter().filter_map(|part| match part {
        Part::Row(row) => Some(row),
        Part::Message { .. } | Part::Phones { .. } | Part::Content(_) | Part::Difference { .. } => None,
    })
}

fn header(view: &View, names: &[&str]) -> Markup {
    html! {
        header {
            p.kicker { "Push plan" }
            h1 { @for (place, name) in names.iter().enumerate() { @if place > 0 { " in " } (foreign(name)) } }
            @for row in rows_of(view, Topic::Setting) {
                // The heading has the names already, and the colon after them is its.
                @let heading = row.spans.iter().position(|span| span.label == Label::Environment);
                p.soft { (spans(&row.spans[heading.map_or(0, |place| place + 2).min(row.spans.len())..])) }
            }
        }
    }
}

/// Counts the whole plan: a tile for each number, and the line that every plan ends with.
fn totals(view: &View) -> Markup {
    let block = view.blocks.iter().find(|block| block.topic == Topic::Totals);
    html! {
        section aria-labelledby="totals" {
            h2.heard id="totals" { "Totals" }
            @if let Some(block) = block {
                ul.tiles {
                    @for fact in block.facts.chunks(2) {
                        li { @for (place, part) in fact.iter().enumerate() {
                            @if place == 0 { strong { (span(part)) } " " } @else { (span(part)) }
                        } }
                    }
                }
                @for row in rows(block) { p.total { (spans(&row.spans)) } }
            }
        }
    }
}

/// Has a row for each campaign.
fn overview(campaigns: &[(usize, &Block)]) -> Markup {
    html! {
        section aria-labelledby="all" {
            h2 id="all" { "All campaigns" }
            table.all {
                thead { tr {
                    th scope="col" { "State" }
                    th scope="col" { "Campaign" }
                    th.wide scope="col" { "How many" }
                    th scope="col" { "When" }
                    th.wide scope="col" { "How it rings" }
                } }
                tbody {
                    @for (place, block) in campaigns {
                        tr {
                            td { @if let Some(title) = &block.title { (campaign::state(title)) } }
                            th scope="row" { a href={ "#c" (place) } { (campaign::name(block)) } }
                            td.wide { (each(&block.facts_of(&[Label::Count, Label::Who]))) }
                            td { (each(&block.facts_of(&[Label::When]))) }
                            td.wide { (each(&block.facts_of(&[Label::Rings]))) }
                        }
                        "\n"
                    }
                }
            }
        }
    }
}

/// Tells of what is only counted: campaigns with nothing to do, and people by day.
fn counted(block: &Block) -> Markup {
    match block.topic {
        Topic::UpToDate | Topic::MissedBefore | Topic::InDoubtElsewhere => html! {
            @if let Some(title) = &block.title {
                section aria-label=(title.state) {
                    h2 { (title.state) }
                    @if !title.rest.is_empty() { p { (title.state) (spans(&title.rest)) } }
                    (campaign::rows(block))
                }
            } @else { section aria-label="Notes" { h2 { "Notes" } (campaign::rows(block)) } }
        },
        Topic::Days => html! {
            section aria-labelledby="days" {
                h2 id="days" { "People by day" }
                table.narrow {
                    thead { tr { th scope="col" { "Day" } th scope="col" { "Who" } } }
                    tbody { @for row in rows(block) {
                        tr {
                            @if row.kind == RowKind::Cells {
                                @for (place, cell) in row.spans.iter().enumerate() {
                                    @if place == 0 { th scope="row" { (span(cell)) } } @else { td { (span(cell)) } }
                                }
                            } @else { td colspan="2" { (spans(&row.spans)) } }
                        }
                    } }
                }
            }
        },
        Topic::Setting | Topic::Campaign | Topic::Waiting | Topic::Withdrawal | Topic::Totals => html! {},
    }
}

/// Lists the rules by which phones show what is pushed, each with who says so.
fn rules(view: &View) -> Markup {
    let parts = view.blocks.iter().flat_map(|block| &block.parts);
    let used = parts.filter_map(|part| match part {
        Part::Phones { rules, .. } => Some(rules),
        Part::Row(_) | Part::Message { .. } | Part::Content(_) | Part::Difference { .. } => None,
    });
    let used: BTreeMap<usize, &ShowingRule> = used.flatten().map(|rule| (rule.number(), *rule)).collect();
    if used.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="rules" {
            h2 id="rules" { "How phones show it, and who says so" }
            p {
                "What a person sets on a phone counts for more. Lengths are " a href=(LENGTHS.1) rel="noreferrer" { (LENGTHS.0) }
                "'s; Honor, vivo and iOS count a Chinese character as two."
            }
            ul.rules {
                @for (number, rule) in &used {
                    li id={ "r" (number) } {
                        "Rule " (number) ". " strong { (rule.phones.as_str()) } ", " (sentence(rule.of)) ": " (rule.words)
                        @if let Some(provided) = rule.provided { ", if " (provided) }
                        ". "
                        @for (place, source) in rule.sources.iter().enumerate() {
                            @if place > 0 { "; " }
                            @if let Some(address) = source.address() {
                                a href=(address) rel="noreferrer" { (source.title()) }
                            } @else { (source.title()) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;

    use super::*;
    use crate::plan::{ChangeKind, PlanDocument};
    use crate::render::caller::Caller;
    use crate::render::escape::is_hidden;
    use crate::render::plan::{html, samples};

    static TAG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("<(/?[!a-zA-Z][a-zA-Z0-9]*)([^<>]*)>").unwrap());
    static ATTRIBUTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(" ([a-z-]+)(?:=\"([^\"<>]*)\")?").unwrap());
    const ELEMENTS: [&str; 41] = [
        "!DOCTYPE",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
        "div",
        "figure",
        "figcaption",
        "span",
        "strong",
        "code",
        "pre",
        "a",
        "bdi",
        "time",
        "ins",
        "del",
        "small",
        "em",
    ];
    const ATTRIBUTES: [&str; 23] = [
        "html",
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
        "rel",
        "scope",
        "colspan",
        "dir",
        "open",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "tabindex",
        "role",
        "datetime",
        "title",
        "rowspan",
        "start",
    ];

    fn page(plan: &PlanDocument) -> String {
        html(plan, Path::new("a"), &Caller::default())
    }

    /// Holds a page to be made of elements and attributes of ours alone; returns what stands between them.
    fn assert_ours(page: &str) -> Result<String, TestCaseError> {
        for tag in TAG.captures_iter(page) {
            prop_assert!(ELEMENTS.contains(&tag[1].trim_start_matches('/')), "{}", &tag[0]);
            let mut rest = tag[2].to_owned();
            for attribute in ATTRIBUTE.captures_iter(&tag[2]) {
                prop_assert!(ATTRIBUTES.contains(&&attribute[1]), "{}", &tag[0]);
                if &attribute[1] == "href" {
                    prop_assert!(
                        attribute[2].starts_with('#') || attribute[2].starts_with("https://"),
                        "{}",
                        &tag[0]
                    );
                }
                rest = rest.replacen(&attribute[0], "", 1);
            }
            prop_assert_eq!(rest.trim(), "", "{}", &tag[0]);
        }
        let between = TAG.replace_all(page, "\u{1}");
        prop_assert!(!between.contains(['<', '>']), "{}", between);
        Ok(between.into_owned())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_a_plan_says_is_text_and_nothing_of_it_is_hidden(plan in samples::plan(4)) {
            let page = page(&plan);
            let style_end = page.find("</style>").unwrap();
            let text = assert_ours(&page[style_end..])?;
            let hidden = |c: char| !matches!(c, '\n' | '\u{1}' | '\u{200d}' | '\u{fe0f}') && is_hidden(c);
            prop_assert!(!text.contains(hidden), "{:?}", text.chars().find(|c| hidden(*c)));
            assert_ours(&page[..page.find("<style>").unwrap()])?;
        }
    }

    fn hostile() -> PlanDocument {
        let mut change = samples::one_change("</script><script>alert(1)</script>", ChangeKind::Create);
        let message = change.message.as_mut().unwrap();
        message.title = "\"><img src=x onerror=alert(1)>".to_owned();
        message.body = "&lt;b&gt; \u{202e}evil\u{0}\n</title></style><style>*{}</style><!-- ".to_owned();
        change.audience = "' onclick='x".to_owned();
        samples::one_plan(&[change])
    }

    #[test]
    fn hostile_text_is_shown_as_it_is() {
        let page = page(&hostile());
        for (shown, never) in [
            ("&lt;/script&gt;&lt;script&gt;alert(1)", "<script"),
            ("&quot;&gt;&lt;img src=x onerror=alert(1)&gt;", "<img"),
            ("&amp;lt;b&amp;gt; \\u{202e}evil\\u{0}", "\u{202e}"),
            ("&lt;/title&gt;&lt;/style&gt;&lt;style&gt;", "<!-- "),
        ] {
            assert!(page.contains(shown), "{shown}");
            assert!(!page.contains(never), "{never}");
        }
        assert_eq!(page.matches("</style>").count(), 1);
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes() {
        let plan = hostile();
        assert_eq!(page(&plan), page(&plan.clone()));
    }

    #[test]
    fn a_policy_allows_the_one_style_that_is_there() {
        let page = page(&samples::one_plan(&[]));
        let policy = content_security_policy(STYLE).replace('"', "&quot;");
        assert!(page.contains(&policy), "{}", &page[..600]);
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert_eq!(style, STYLE);
    }

    #[test]
    fn a_text_says_which_language_it_is_and_which_way_it_runs() {
        let mut change = samples::one_change("payday", ChangeKind::Create);
        change.message.as_mut().unwrap().title = "工资到账".to_owned();
        change.message.as_mut().unwrap().body = "שכר דצמבר".to_owned();
        let page = page(&samples::one_plan(&[change]));
        assert!(page.contains("dir=\"auto\" lang=\"zh-CN\">工资到账<"), "{page}");
        assert!(page.contains("dir=\"auto\">שכר דצמבר<"), "{page}");
    }

    /// Twice the length of a usual message, each with a classification, to users: seven vendors.
    #[test]
    fn five_hundred_campaigns_stay_under_two_megabytes() {
        let changes = (0..500).map(|number| {
            let mut change = samples::one_change(&format!("winter-campaign-{number:03}"), ChangeKind::Create);
            let message = change.message.as_mut().unwrap();
            message.title = format!("冬季活动第{number}期 Winter sale");
            message.body = "您的专属优惠已到账，点击查看详情，活动截至本月底。Your vouchers have arrived and are valid until the end of the month.".to_owned();
            let content = change.content.as_mut().unwrap();
            content["template"]["title"] = message.title.clone().into();
            content["template"]["body"] = message.body.clone().into();
            let classification = serde_json::json!({ "huawei": { "category": "9", "level": "normal" },
                "harmonyos": { "category": "9" }, "vivo": { "message_type": "operational" }, "oppo": { "level": "2" } });
            content.insert("classification".to_owned(), classification);
            change
        });
        let page = page(&samples::one_plan(&changes.collect::<Vec<_>>()));
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        assert_eq!(page.matches("<details class=\"c ").count(), 500);
        assert!(!page.contains("<details class=\"c push\" open"), "folded");
    }
}
