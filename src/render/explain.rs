//! What a campaign resolves to, as people and machines read it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::diagnostic::Place;
use crate::domain::{Campaign, Life, Recipients, Schedule, VENDOR_OFFSET_SECONDS, render};
use crate::render::text::{self, QUIET, STRONG};
use crate::render::window::window;

/// Most firing times that are shown.
pub const TIMES_MAX: usize = 10;

/// A table is drawn where it leaves so many columns to the values.
const VALUE_COLUMNS_MIN: usize = 20;

/// The columns beside those of a table's content: one on each side of each.
const GAPS: usize = 6;

/// Longest value that is shown whole to people, in characters.
const VALUE_CHARS_MAX: usize = 160;

/// A campaign, everything filled in, in one environment.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    campaign: String,
    revision: u32,
    environment: String,
    declared_at: String,
    title: String,
    body: String,
    /// Whether each target's words are its own: then these are the first one's.
    #[serde(skip)]
    is_of_first: bool,
    audience: AudienceExplanation,
    /// The next times at which it happens, at most ten; none for an immediate push.
    fires: Vec<DateTime<Utc>>,
    /// When its window opens, if that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<DateTime<Utc>>,
    /// When its window closes, if that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<DateTime<Utc>>,
    #[serde(skip)]
    schedule: Schedule,
    #[serde(skip)]
    life: Life,
    #[serde(skip)]
    now: DateTime<Utc>,
    requests: u64,
    action: String,
    parameters: Vec<ParameterExplanation>,
}

#[derive(Clone, Debug, Serialize)]
struct AudienceExplanation {
    name: String,
    /// `users`, `android_devices` …, or `broadcast`.
    kind: String,
    targets: u64,
    repeats: u64,
}

#[derive(Clone, Debug, Serialize)]
struct ParameterExplanation {
    parameter: &'static str,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_at: Option<String>,
}

/// What an explanation is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The campaign, everything filled in.
    pub campaign: &'a Campaign,
    /// From when on, and until when, it may be pushed.
    pub life: &'a Life,
    /// What its placeholders become: for all targets, or for the first one where each has values of its own.
    pub values: &'a BTreeMap<String, String>,
    /// Where it is declared.
    pub declared_at: &'a Place,
    /// Its audience's name.
    pub audience: &'a str,
    /// Its targets, each counted once.
    pub targets: u64,
    /// How often a target stands there again.
    pub repeats: u64,
    /// Requests that carry it to all of them.
    pub requests: u64,
    /// The environment's name.
    pub environment: &'a str,
    /// The call that carries it, as the wire names it.
    pub action: &'a str,
    /// The parameters of the first request.
    pub parameters: &'a BTreeMap<&'static str, String>,
    /// Where parameters are written, by their names.
    pub origins: &'a BTreeMap<&'static str, Place>,
}

impl Explanation {
    /// Explains a campaign as it is at `now`.
    #[must_use]
    pub fn of(facts: Facts<'_>, now: DateTime<Utc>) -> Self {
        let campaign = facts.campaign;
        let parameters = facts.parameters.iter().map(|(parameter, value)| ParameterExplanation {
            parameter,
            value: value.clone(),
            written_at: origin(facts.origins, parameter).map(shown),
        });
        let kind = match campaign.recipients {
            Recipients::Targets(kind) => kind.as_str(),
            Recipients::Broadcast(_) => "broadcast",
        };
        Self {
            campaign: campaign.id.to_string(),
            revision: campaign.revision.get(),
            environment: facts.environment.to_owned(),
            declared_at: shown(facts.declared_at),
            title: render(&campaign.template.title, facts.values),
            body: render(&campaign.template.body, facts.values),
            is_of_first: !campaign.values_from.is_empty(),
            audience: AudienceExplanation {
                name: facts.audience.to_owned(),
                kind: kind.to_owned(),
                targets: facts.targets,
                repeats: facts.repeats,
            },
            fires: campaign.schedule.firing_times_after(now).take(TIMES_MAX).collect(),
            not_before: facts.life.not_before,
            not_after: facts.life.stops_at(),
            schedule: campaign.schedule.clone(),
            life: *facts.life,
            now,
            requests: facts.requests,
            action: facts.action.to_owned(),
            parameters: parameters.collect(),
        }
    }
}

/// The list of targets of a `PushMultiple`, and its first entry.
const TARGET_LIST: &str = "TargetMsg.";
const FIRST_TARGET: &str = "TargetMsg.1.";

/// Returns where a parameter is written; of an entry of a list, where the list is.
fn origin<'a>(origins: &'a BTreeMap<&'static str, Place>, parameter: &str) -> Option<&'a Place> {
    let name = match parameter.strip_prefix(TARGET_LIST).and_then(|entry| entry.split_once('.')) {
        None => parameter,
        Some((_, "Target")) => "TargetMsg",
        Some((_, field)) => field,
    };
    origins.get(name)
}

fn shown(place: &Place) -> String {
    place.line().map_or_else(|| place.path().to_owned(), |line| format!("{}:{line}", place.path()))
}

/// Returns the explanation in words.
#[must_use]
pub fn explanation(explanation: &Explanation, zone: Tz, width: Option<usize>) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{STRONG}{}@{}{STRONG:#} in {}  {QUIET}{}{QUIET:#}\n",
        explanation.campaign,
        explanation.revision,
        explanation.environment,
        text::plain(&explanation.declared_at)
    );
    for line in [&explanation.title, &explanation.body].into_iter().flat_map(|text| text.lines()) {
        let _ = writeln!(out, "    {}", text::plain(line));
    }
    if explanation.is_of_first {
        let _ =
            writeln!(out, "\n    {QUIET}as the first target sees it; each has values of its own{QUIET:#}");
    }
    let _ = writeln!(out, "\n{STRONG}To{STRONG:#} {}.", audience(explanation));
    times(&mut out, explanation, zone);
    let (action, requests) = (&explanation.action, explanation.requests);
    let which = if requests == 1 { "Its request" } else { "Its first request" };
    let _ = writeln!(out, "\n{STRONG}{which}{STRONG:#}, a {action}; only what is sent is shown:\n");
    let is_one_of_many = |parameter: &&ParameterExplanation| {
        parameter.parameter.starts_with(TARGET_LIST) && !parameter.parameter.starts_with(FIRST_TARGET)
    };
    let shown = explanation.parameters.iter().filter(|parameter| !is_one_of_many(parameter));
    let rows: Vec<[String; 3]> = shown.map(row).collect();
    let columns = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    // A word is never cut: names are there to be read, ids and places to be copied.
    let words = rows.iter().flat_map(|row| row[1].split(' ')).map(UnicodeWidthStr::width);
    let values = words.max().unwrap_or(0).max(VALUE_COLUMNS_MIN);
    if width.is_some_and(|width| columns(0) + values + columns(2) + GAPS > width) {
        for [parameter, value, place] in &rows {
            let _ = writeln!(out, "{STRONG}{parameter}{STRONG:#}\n    {value}\n    {QUIET}{place}{QUIET:#}");
        }
    } else {
        let mut table = text::table(&["parameter", "value", "written at"], width);
        // Never broken: names are there to be read, a place to be clicked or copied.
        text::keep_whole(&mut table, 0);
        text::keep_whole(&mut table, 2);
        for row in &rows {
            table.add_row(row);
        }
        let _ = writeln!(out, "{table}");
    }
    let others = explanation.parameters.iter().filter(is_one_of_many);
    let others = others.filter(|parameter| parameter.parameter.ends_with(".Target")).count();
    if others > 0 {
        let others = text::count(others as u64, "more target");
        let _ = writeln!(out, "and {others} in `{TARGET_LIST}2` and on, in the same way; `--json` has all.");
    }
    text::wrapped(&out, width)
}

/// Returns a parameter's name, its value, and where it is written.
fn row(parameter: &ParameterExplanation) -> [String; 3] {
    let place = parameter.written_at.as_deref().map_or_else(|| "derived".to_owned(), text::plain);
    [parameter.parameter.to_owned(), text::plain(&shortened(&parameter.value)), place]
}

fn audience(explanation: &Explanation) -> String {
    let AudienceExplanation { name, kind, targets, repeats } = &explanation.audience;
    let name = text::plain(name);
    if kind == "broadcast" {
        return format!("everyone of `{name}`, by broadcast, in one request");
    }
    let again = if *repeats > 0 {
        format!(", {} ignored", text::count(*repeats, "duplicate"))
    } else {
        String::new()
    };
    let (targets, requests) = (text::count(*targets, "target"), text::count(explanation.requests, "request"));
    format!("{targets} of `{name}` (`{kind}`){again}, in {requests}")
}

fn times(out: &mut String, explanation: &Explanation, zone: Tz) {
    if explanation.schedule == Schedule::Now {
        let is_broadcast = explanation.audience.kind == "broadcast";
        let when = window(&explanation.life, is_broadcast, explanation.now, zone).join("; ");
        let (first, rest) = when.split_at(1);
        let _ = writeln!(out, "{STRONG}{}{rest}.{STRONG:#}", first.to_ascii_uppercase());
        return;
    }
    let when = match (&explanation.schedule, explanation.fires.is_empty()) {
        _ if explanation.life.is_closed => "Never: it is closed in the file.",
        (_, true) => "Never again: its time is over.",
        (Schedule::Once { .. } | Schedule::Now, false) => "Once:",
        (Schedule::Repeat(_), false) => "Again and again, next:",
    };
    let _ = writeln!(out, "{STRONG}{when}{STRONG:#}");
    for at in explanation.fires.iter().filter(|_| !explanation.life.is_closed) {
        let _ = writeln!(out, "    {}", text::time_in_both_zones(*at, zone, VENDOR_OFFSET_SECONDS));
    }
}

fn shortened(value: &str) -> String {
    let Some((end, _)) = value.char_indices().nth(VALUE_CHARS_MAX) else { return value.to_owned() };
    // Behind an entry of a list, so that no id is cut.
    let end = value[..end].rfind([',', ' ']).map_or(end, |at| at + 1);
    format!("{}…", value[..end].trim_end())
}
