//! What there is to read of a whole plan, in which order.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono_tz::Tz;

use crate::plan::{
    ChangeDocument, ChangeKind, DayDocument, PlanDocument, SummaryDocument, WaitingDocument, WaitingStanding,
    people, time,
};
use crate::render::caller::Caller;
use crate::render::plan::campaign::{self, Context, code, named_revision};
use crate::render::plan::view::{Block, Label, Row, RowKind, Span, Title, Tone, Topic, View};
use crate::render::text;

/// So many notes on campaigns with nothing to do are shown; the others are counted.
const NOTES_MAX: usize = 5;
/// So many names stand before a note; the others are counted.
const NAMES_MAX: usize = 8;
/// So many days are listed; the others are counted.
const DAYS_MAX: usize = 7;

/// Returns what there is to read of a plan. Paths begin with `directory`, and commands are `caller`'s.
pub(super) fn view(plan: &PlanDocument, directory: &Path, caller: &Caller) -> View {
    let zone = plan.time_zone.parse().unwrap_or(Tz::UTC);
    let context = Context { made_at: plan.made_at, zone, directory, caller };
    let mut waiting: BTreeMap<&str, Vec<&WaitingDocument>> = BTreeMap::new();
    plan.waiting.iter().for_each(|each| waiting.entry(&each.campaign).or_default().push(each));
    let is_old_miss = |change: &&ChangeDocument| {
        change.kind == ChangeKind::Missed && !change.is_missed_lately(plan.made_at)
    };

    let mut blocks = vec![setting(plan)];
    for change in plan.changes.iter().filter(|change| !change.kind.is_quiet() && !is_old_miss(change)) {
        let waiting = waiting.remove(change.campaign.as_str()).unwrap_or_default();
        blocks.push(campaign::change(change, &waiting, &context));
    }
    // Of which no change that is shown speaks.
    let apart = waiting.into_values().flatten();
    let apart = apart.filter(|each| each.standing != WaitingStanding::Withdrawn);
    blocks.extend(apart.map(|each| campaign::waiting(each, &context)));
    blocks.extend(plan.withdrawals.iter().map(campaign::withdrawal));
    blocks.extend(up_to_date(plan));
    blocks.extend(missed_before(plan.changes.iter().filter(is_old_miss)));
    blocks.extend(in_doubt_elsewhere(plan, caller));
    blocks.extend(days(&plan.days));
    blocks.push(totals(plan));
    View {
        directory: directory.to_string_lossy().into_owned(),
        made_at: time(plan.made_at, zone),
        made_by: plan.made_by.clone(),
        digest: plan.digest.clone(),
        blocks,
    }
}

fn setting(plan: &PlanDocument) -> Block {
    let place = Row::new(
        RowKind::Line,
        [
            Span::foreign(Label::Project, &plan.project),
            Span::words(" in "),
            Span::foreign(Label::Environment, &plan.environment),
            Span::words(": "),
            Span::words("app "),
            Span::foreign(Label::Words, &plan.app_id),
            Span::words(", workspace "),
            Span::foreign(Label::Words, &plan.workspace_id),
            Span::words(", "),
            Span::foreign(Label::Words, &plan.endpoint),
        ],
    );
    let compared_with = match &plan.ledger {
        Some(ledger) => format!("ledger at record {}, times in ", ledger.serial),
        None => "compared with no ledger: counts are upper bounds; times in ".to_owned(),
    };
    let ledger =
        Row::new(RowKind::Aside, [Span::words(compared_with), Span::foreign(Label::Words, &plan.time_zone)]);
    let mut rows = vec![place, ledger];
    for (names, what) in [(&plan.only, "only "), (&plan.except, "all but ")] {
        if !names.is_empty() {
            let names = listed(names.iter().map(|name| Span::foreign(Label::Name, name)));
            rows.push(Row::new(RowKind::Aside, [vec![Span::words(what)], names].concat()));
        }
    }
    Block::of_rows(Topic::Setting, rows)
}

/// Puts commas between pieces.
fn listed(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let spans = spans.enumerate();
    spans.flat_map(|(place, span)| (place > 0).then(|| Span::words(", ")).into_iter().chain([span])).collect()
}

/// Tells of campaigns with nothing to do: how many they are, and what there is to say of them.
fn up_to_date(plan: &PlanDocument) -> Option<Block> {
    let notes = notes(plan.changes.iter().filter(|change| change.kind.is_quiet()));
    let counted = plan.summary.up_to_date;
    let title = (counted > 0).then(|| {
        counted_title(Tone::Rest, '=', text::count(counted, "campaign") + " up to date", Vec::new())
    });
    let block = Block { title, ..Block::of_rows(Topic::UpToDate, notes) };
    (block.title.is_some() || !block.parts.is_empty()).then_some(block)
}

fn missed_before<'a>(misses: impl Iterator<Item = &'a ChangeDocument> + Clone) -> Option<Block> {
    let counted = misses.clone().count() as u64;
    let rest = vec![
        Span::words(" more than a day ago; set "),
        Span::own(Label::Name, "closed: true"),
        Span::words(" to leave them as they are"),
    ];
    let state = text::count(counted, "campaign") + " missed";
    let title = Some(counted_title(Tone::Stop, 'x', state, rest));
    (counted > 0).then(|| Block { title, ..Block::of_rows(Topic::MissedBefore, notes(misses)) })
}

fn in_doubt_elsewhere(plan: &PlanDocument, caller: &Caller) -> Option<Block> {
    let listed = plan.changes.iter().filter(|change| change.targets.in_doubt > 0).count() as u64;
    let unlisted = plan.summary.in_doubt.saturating_sub(listed);
    let rest = vec![
        Span::words(" under a name or revision that is no longer in the files: see "),
        Span::command(caller.command("doubt list")),
    ];
    let title = Some(counted_title(Tone::Doubt, '?', text::count(unlisted, "campaign") + " in doubt", rest));
    (unlisted > 0).then(|| Block { title, ..Block::of_rows(Topic::InDoubtElsewhere, Vec::new()) })
}

fn counted_title(tone: Tone, sign: char, state: String, rest: Vec<Span>) -> Title {
    Title { tone, sign, state, campaign: None, rest }
}

/// Returns what there is to say of campaigns with nothing to do: a row for all of which the same is said.
fn notes<'a>(quiet: impl Iterator<Item = &'a ChangeDocument>) -> Vec<Row> {
    let note = |change: &'a ChangeDocument| match (change.kind, &change.note) {
        (ChangeKind::Missed, _) => Some((change, change.reason.as_str())),
        (_, note) => note.as_deref().map(|note| (change, note)),
    };
    let mut noted: Vec<(Vec<Span>, Vec<Span>)> = Vec::new();
    for (change, note) in quiet.filter_map(note) {
        let name = Span::foreign(Label::Name, named_revision(&change.campaign, change.revision));
        let said = [vec![Span::sentence(note)], code(change)].concat();
        match noted.iter_mut().find(|(known, _)| *known == said) {
            Some((_, names)) => names.push(name),
            None => noted.push((said, vec![name])),
        }
    }
    let more: usize = noted.iter().skip(NOTES_MAX).map(|(_, names)| names.len()).sum();
    let mut rows: Vec<Row> = noted.into_iter().take(NOTES_MAX).map(noted_row).collect();
    if more > 0 {
        let what = text::noun(more as u64, "more campaign has a note", "more campaigns have notes");
        let spans = [Span::words(what + ": see them with "), Span::own(Label::Name, "--json")];
        rows.push(Row::new(RowKind::Aside, spans));
    }
    rows
}

fn noted_row((said, names): (Vec<Span>, Vec<Span>)) -> Row {
    let more = names.len().saturating_sub(NAMES_MAX) as u64;
    let mut spans = listed(names.into_iter().take(NAMES_MAX));
    if more > 0 {
        spans.push(Span::words(format!(" and {} more", text::number(more))));
    }
    spans.push(Span::words(": "));
    spans.extend(said);
    Row::new(RowKind::Note, spans)
}

/// Tells how many people get a push on each day.
fn days(days: &[DayDocument]) -> Option<Block> {
    let last = days.last()?;
    let cells = |total: &DayDocument| {
        let people = (total.targets > 0).then(|| people(total.targets));
        let broadcasts = (total.broadcasts > 0).then(|| text::count(total.broadcasts, "broadcast"));
        let who = people.into_iter().chain(broadcasts).collect::<Vec<_>>().join(" and ");
        let day = format!("{} {}", total.day.format("%a"), total.day);
        Row::new(RowKind::Cells, [Span::own(Label::When, day), Span::own(Label::Who, who)])
    };
    let mut rows: Vec<Row> = days.iter().take(DAYS_MAX).map(cells).collect();
    if days.len() > DAYS_MAX {
        let more = text::count((days.len() - DAYS_MAX) as u64, "more day");
        let words = format!("and {more}, the last one {}", last.day);
        rows.push(Row::new(RowKind::Aside, [Span::words(words)]));
    }
    Some(Block::of_rows(Topic::Days, rows))
}

fn totals(plan: &PlanDocument) -> Block {
    let told = match &plan.ledger {
        Some(_) => is_no_change(plan).then_some(("No changes.", " The ledger matches the files.")),
        None => Some((
            "Compared with no ledger:",
            " counts are upper bounds, since some may have got it already. This plan cannot be applied.",
        )),
    };
    let told = told.map(|(strong, words)| {
        Row::new(RowKind::Line, [Span::own(Label::Strong, strong), Span::words(words)])
    });
    let most = if plan.ledger.is_some() { "" } else { "at most " };
    let summary = Row::new(RowKind::Total, [Span::words(summary(&plan.summary, most))]);
    let rows = told.into_iter().chain([summary]).collect();
    Block { facts: counts(&plan.summary), ..Block::of_rows(Topic::Totals, rows) }
}

/// Returns what a plan comes to: each number, and what it counts.
fn counts(summary: &SummaryDocument) -> Vec<Span> {
    let targets = summary.targets - summary.broadcasts.min(summary.targets);
    let always = [(summary.to_push, "to push"), (targets, "targets"), (summary.requests, "requests")];
    let others = [(summary.broadcasts, "broadcasts")];
    let others = others.into_iter().chain(others_of(summary)).chain([(summary.in_doubt, "in doubt")]);
    let others = others.filter(|(count, _)| *count > 0);
    let counts = always.into_iter().chain(others).chain([(summary.up_to_date, "up to date")]);
    let spans = |(count, what): (u64, &str)| {
        let what = if count == 1 { what.trim_end_matches('s') } else { what };
        [Span::own(Label::Count, text::number(count)), Span::words(what)]
    };
    counts.flat_map(spans).collect()
}

/// Returns the counts of campaigns that are not pushed, but for those with nothing to do.
fn others_of(summary: &SummaryDocument) -> [(u64, &'static str); 5] {
    [
        (summary.later, "later"),
        (summary.waiting, "waiting"),
        (summary.blocked, "blocked"),
        (summary.held, "held"),
        (summary.missed, "missed"),
    ]
}

/// Whether there is nothing to push, nothing to record and nothing to say.
fn is_no_change(plan: &PlanDocument) -> bool {
    let summary = &plan.summary;
    let told =
        [summary.to_push, summary.later, summary.blocked, summary.held, summary.missed, summary.in_doubt];
    told.iter().all(|count| *count == 0) && !plan.waits_otherwise() && plan.withdrawals.is_empty()
}

/// Returns the last line of every plan. `most` stands before what it pushes.
fn summary(summary: &SummaryDocument, most: &str) -> String {
    let mut line = format!(
        "Plan: {most}{} to push ({} in {}), {} up to date",
        text::number(summary.to_push),
        targets_and_broadcasts(summary),
        text::count(summary.requests, "request"),
        text::number(summary.up_to_date),
    );
    for (count, what) in others_of(summary).into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(line, ", {} {what}", text::number(count));
    }
    let _ = write!(line, ", {} in doubt.", text::number(summary.in_doubt));
    line
}

/// Says to how many a plan goes; a broadcast is no target.
fn targets_and_broadcasts(summary: &SummaryDocument) -> String {
    let broadcasts = summary.broadcasts;
    let targets = text::count(summary.targets - broadcasts.min(summary.targets), "target");
    match (broadcasts, broadcasts == summary.targets) {
        (0, _) => targets,
        (_, true) => text::count(broadcasts, "broadcast"),
        (_, false) => format!("{targets} and {}", text::count(broadcasts, "broadcast")),
    }
}
