//! Batches in doubt, and what was found out about them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::apply::{Answer, Finding};
use crate::domain::MessageKey;
use crate::ledger::{Doubt, Ledger};
use crate::render::caller::Caller;
use crate::render::text::{self, BAD, DOUBT, GOOD, QUIET, STRONG};

/// One batch in doubt.
#[derive(Clone, Debug, Serialize)]
pub struct OpenDoubt {
    campaign: String,
    revision: u32,
    batch: u64,
    /// The batch, under its former name.
    intent: u64,
    at: DateTime<Utc>,
    task_name: String,
    targets: u64,
    why: String,
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ci_run: Option<String>,
}

impl OpenDoubt {
    /// Takes what the ledger knows of a batch in doubt.
    #[must_use]
    pub fn of(doubt: &Doubt, ledger: &Ledger) -> Self {
        let intent = &doubt.intent;
        let run = ledger.run(&intent.run);
        Self {
            campaign: intent.campaign.to_string(),
            revision: intent.revision.get(),
            batch: doubt.serial.0,
            intent: doubt.serial.0,
            at: doubt.at,
            task_name: intent.task_name.clone(),
            targets: intent.targets.len() as u64,
            why: why(doubt),
            run: intent.run.to_string(),
            actor: run.map(|run| run.actor.clone()),
            ci_run: run.and_then(|run| run.ci_run.clone()),
        }
    }

    fn headline(&self, out: &mut String, zone: Tz) {
        let _ = writeln!(
            out,
            "{STRONG}batch {}{STRONG:#}  {}@{}, {}, since {}",
            self.batch,
            self.campaign,
            self.revision,
            text::count(self.targets, "target"),
            text::minute(self.at, zone),
        );
        let _ = writeln!(out, "    task `{}`", text::plain(&self.task_name));
    }
}

/// Returns what was seen instead of an answer.
pub(super) fn why(doubt: &Doubt) -> String {
    let crashed = || "the run ended between the request and its outcome".to_owned();
    doubt.why.clone().unwrap_or_else(crashed)
}

/// So many batch numbers are listed of a group; the rest is counted.
const NUMBERS_MAX: usize = 12;

/// Returns what is in doubt: a line for each campaign and cause, then what to do.
#[must_use]
pub fn doubts(doubts: &[OpenDoubt], zone: Tz, caller: &Caller, width: Option<usize>) -> String {
    let Some(first) = doubts.first() else { return "Nothing is in doubt.\n".to_owned() };
    let mut groups: BTreeMap<(&str, u32, &str), Vec<&OpenDoubt>> = BTreeMap::new();
    for doubt in doubts {
        groups.entry((&doubt.campaign, doubt.revision, &doubt.why)).or_default().push(doubt);
    }
    let mut out = String::new();
    for ((campaign, revision, why), group) in groups {
        let since = group.iter().map(|doubt| doubt.at).min().unwrap_or(first.at);
        let _ = writeln!(
            out,
            "{DOUBT}?{DOUBT:#} {STRONG}{campaign}@{revision}{STRONG:#}  {} in {} ({}), since {}: {}",
            text::count(group.iter().map(|doubt| doubt.targets).sum(), "target"),
            text::noun(group.len() as u64, "batch", "batches"),
            numbers(group.iter().map(|doubt| doubt.batch)),
            text::minute(since, zone),
            text::plain(why),
        );
    }
    let targets = doubts.iter().map(|doubt| doubt.targets).sum();
    let (batches, targets) =
        (text::noun(doubts.len() as u64, "batch", "batches"), text::count(targets, "target"));
    let _ = writeln!(
        out,
        "\n{batches} with {targets} in doubt: they may have got the push.\nUntil that is settled, nothing is sent to them again.\n\n\
         Ask the vendor first:  `{}`\n\
         See who is in a batch: `{}`\n\
         Record what you found: `{}`",
        caller.command("doubt resolve"),
        caller.command(&format!("doubt show {}", first.batch)),
        caller.command(&format!("doubt mark {} sent --reason 'what you saw'", first.batch)),
    );
    text::wrapped(&out, width)
}

/// Returns numbers in a row, those next to each other as one: `7, 9–12`.
pub(super) fn numbers(numbers: impl Iterator<Item = u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let left: u64 = ranges.iter().skip(NUMBERS_MAX).map(|(first, last)| last - first + 1).sum();
    let range = |(first, last): &(u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}–{last}") }
    };
    let mut shown: Vec<String> = ranges.iter().take(NUMBERS_MAX).map(range).collect();
    if left > 0 {
        shown.push(format!("and {} more", text::number(left)));
    }
    shown.join(", ")
}

/// A target of a batch in doubt that the files still name.
#[derive(Clone, Debug, Serialize)]
pub struct Addressed {
    target: String,
    message_key: String,
}

impl Addressed {
    /// Joins a target's id with the key of its push.
    #[must_use]
    pub fn new(target: &str, key: MessageKey) -> Self {
        Self { target: target.to_owned(), message_key: key.to_string() }
    }
}

/// A batch in doubt with its targets.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    #[serde(flatten)]
    doubt: OpenDoubt,
    call: String,
    pushes: Vec<Addressed>,
    /// Targets whose ids are in none of the files: only their hashes are known.
    not_in_files: u64,
}

impl Shown {
    /// Joins a batch with those of its targets that the files name.
    #[must_use]
    pub fn of(open: OpenDoubt, doubt: &Doubt, pushes: Vec<Addressed>) -> Self {
        let not_in_files = (doubt.intent.targets.len() - pushes.len()) as u64;
        Self { doubt: open, call: doubt.intent.call.as_str().to_owned(), pushes, not_in_files }
    }
}

/// Returns batches in doubt with their targets and message keys, and what to do with them.
#[must_use]
pub fn shown(shown: &[Shown], zone: Tz, caller: &Caller, width: Option<usize>) -> String {
    let mut out = String::new();
    for each in shown {
        each.doubt.headline(&mut out, zone);
        let _ = writeln!(out, "    {DOUBT}?{DOUBT:#} {}", text::plain(&each.doubt.why));
        let actor = each.doubt.actor.as_ref().map(|actor| format!(" of {}", text::plain(actor)));
        let _ = writeln!(out, "    {QUIET}run {}{}{QUIET:#}", each.doubt.run, actor.unwrap_or_default());
        if let Some(url) = &each.doubt.ci_run {
            let _ = writeln!(out, "    {QUIET}{}{QUIET:#}", text::plain(url));
        }
        if !each.pushes.is_empty() {
            let _ = writeln!(out, "    {QUIET}{:32}  target{QUIET:#}", "message key");
        }
        for push in &each.pushes {
            let _ = writeln!(out, "    {}  {}", push.message_key, text::plain(&push.target));
        }
        if each.not_in_files > 0 {
            let _ = writeln!(
                out,
                "    {} no audience of the files: the ledger has only hashes, so no id can be named",
                match each.not_in_files {
                    1 => "1 target is in".to_owned(),
                    several => format!("{} targets are in", text::number(several)),
                },
            );
        }
    }
    let batches: Vec<String> = shown.iter().map(|each| each.doubt.batch.to_string()).collect();
    let batches = batches.join(" ");
    let mark = |verdict| caller.command(&format!("doubt mark {batches} {verdict} --reason 'what you saw'"));
    let _ = writeln!(
        out,
        "\nLook in the mPaaS console by message key, or for the task by its name.\nIf it was sent:\n{}\nIf it was not:\n{}",
        mark("sent"),
        mark("not-sent"),
    );
    text::wrapped(&out, width)
}

/// A batch that was in doubt, and what the vendor's lists say of it.
#[derive(Clone, Debug, Serialize)]
pub struct Resolved {
    #[serde(flatten)]
    doubt: OpenDoubt,
    /// `sent`, `not_sent`, `too_early` or `cannot_tell`.
    finding: &'static str,
    evidence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_again_at: Option<DateTime<Utc>>,
}

impl Resolved {
    /// Joins a finding with the batch that it is about, in the ledger as it was before.
    #[must_use]
    pub fn of(finding: &Finding, ledger: &Ledger) -> Option<Self> {
        let doubt = ledger.doubts().into_iter().find(|doubt| doubt.serial == finding.intent)?;
        let doubt = OpenDoubt::of(doubt, ledger);
        let (word, evidence, task_id, ask_again_at) = match &finding.answer {
            Answer::Accepted { task_id, evidence } => ("sent", evidence.clone(), task_id.clone(), None),
            Answer::Rejected { evidence } => ("not_sent", evidence.clone(), None, None),
            Answer::TooEarly { until, why } => ("too_early", why.clone(), None, Some(*until)),
            Answer::CannotTell { why } => ("cannot_tell", why.clone(), None, None),
        };
        Some(Self { doubt, finding: word, evidence, task_id, ask_again_at })
    }
}

/// Returns the findings, a few lines each, and how many there are of each kind.
#[must_use]
pub fn resolved(
    resolved: &[Resolved],
    zone: Tz,
    is_dry_run: bool,
    caller: &Caller,
    width: Option<usize>,
) -> String {
    if resolved.is_empty() {
        return "Nothing is in doubt.\n".to_owned();
    }
    let mut out = String::new();
    for each in resolved {
        each.doubt.headline(&mut out, zone);
        let evidence = text::plain(&each.evidence);
        let _ = match (each.finding, each.ask_again_at) {
            ("sent", _) => writeln!(out, "    {GOOD}sent{GOOD:#}: {evidence}"),
            ("not_sent", _) => writeln!(out, "    {BAD}not sent{BAD:#}: {evidence}"),
            (_, Some(at)) => {
                writeln!(out, "    {DOUBT}?{DOUBT:#} {evidence}; ask again from {} on", text::time(at, zone))
            }
            (_, None) => writeln!(out, "    {DOUBT}?{DOUBT:#} {evidence}"),
        };
    }
    let count = |word| resolved.iter().filter(|each| each.finding == word).count() as u64;
    let (sent, not_sent) = (count("sent"), count("not_sent"));
    let left = resolved.len() as u64 - sent - not_sent;
    let _ = writeln!(
        out,
        "\n{}: {} sent, {} not sent. Still in doubt: {}.",
        if is_dry_run { "Found, not recorded" } else { "Recorded" },
        text::noun(sent, "batch", "batches"),
        text::number(not_sent),
        text::number(left),
    );
    if not_sent > 0 && !is_dry_run {
        let _ = writeln!(out, "What was not sent is planned again: see `{}`.", caller.command("plan"));
    }
    if left > 0 {
        let mark = caller.command("doubt mark --help");
        let _ = writeln!(out, "Look for those in the vendor's console, then: `{mark}`.");
    }
    text::wrapped(&out, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_one_and_many_are_counted() {
        assert_eq!(numbers([7, 9, 10, 11, 13].into_iter()), "7, 9–11, 13");
        let even = (1..=20).map(|number| number * 2);
        assert_eq!(numbers(even), "2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, and 8 more");
    }
}
