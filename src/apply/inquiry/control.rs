//! When absence from a list is proof: only where the list has, or one by the same route, what it must have.
//!
//! An empty answer looks the same whether nothing was taken, the question was misread, or the list lags behind. So one
//! that lacks a batch must show a positive control: a batch of the same call and timing that the vendor accepted at about
//! that time, or later in the same run. Those that the vendor accepted just before and just after it must both be there: a
//! list that lags has what came before, and one that was cut has what came after.

use chrono::{DateTime, TimeDelta, Utc};

use crate::apply::inquiry::ask::Ask;
use crate::apply::inquiry::judge::Case;
use crate::apply::inquiry::{Moments, Window, moments, window};
use crate::ledger::{Control, Ledger};
use crate::mpaas::{NamedTask, QueryError, ScheduledTask};

/// How far from a batch in doubt one may have been made to show that the list is whole there. As long as absence from the
/// list of scheduled tasks has to wait to be proof.
const BESIDE_MAX: TimeDelta = TimeDelta::minutes(30);

/// What shows that a list is whole.
pub(super) struct Shown {
    /// The control, in words.
    pub(super) evidence: String,
    /// What another question brought to light.
    pub(super) more: Vec<NamedTask>,
}

/// Looks for a control of a batch that a list by name lacks: in the same answer, else by another question.
///
/// A vendor may cut or change names, and find a changed one by nobody's question. So the control is asked for by name only
/// if that is as long and as varied as the batch's own; else everything is listed, and compared here.
pub(super) async fn of_named<A: Ask>(
    ask: &A,
    case: &Case<'_>,
    listed: &[NamedTask],
    since: DateTime<Utc>,
) -> Result<Shown, NotShown> {
    let controls = beside(case);
    let name = &case.doubt.intent.task_name;
    let is_hard = |control: &Control| is_as_hard_to_keep(&control.task_name, name);
    let shown = controls.iter().find(|control| is_shown(control, listed));
    let nearest = shown.or_else(|| controls.iter().find(|control| is_hard(control))).or(controls.first());
    let nearest = *nearest.ok_or_else(|| nothing_beside(case))?;
    // A list that has other names than the one that was asked for has all, and one by one nothing shows that it is whole.
    let has_all = listed.iter().any(|task| task.task_name != *name);
    let mut more = Vec::new();
    for control in [Some(nearest), before(case), after(case)].into_iter().flatten() {
        if is_shown(control, listed) || is_shown(control, &more) {
            continue;
        }
        let by_name = (!has_all && is_hard(control)).then_some(&*control.task_name);
        let found = ask.named_tasks(by_name, since).await?;
        if !is_shown(control, &found) {
            return Err(missing(control));
        }
        more.extend(found);
    }
    Ok(Shown { evidence: evidence(nearest), more })
}

/// Looks for a control of a batch that the list of moments lacks: in the same answer, else by another question.
pub(super) async fn of_scheduled<A: Ask>(
    ask: &A,
    case: &Case<'_>,
    (listed, asked): (&[ScheduledTask], Window),
    ledger: &Ledger,
    now: DateTime<Utc>,
) -> Result<String, NotShown> {
    // What happened is listed for nobody knows how long, and without its task nothing is recognised.
    let still_listed = |control: &&Control| -> Option<(String, Moments)> {
        let content = &ledger.history(&control.campaign, control.revision)?.content;
        let moments = moments(&content.schedule()?);
        (!moments.are_over(now)).then_some((control.task_id.clone()?, moments))
    };
    let controls = beside(case).into_iter();
    let controls: Vec<_> = controls.filter_map(|control| Some((control, still_listed(&control)?))).collect();
    let has = |listed: &[ScheduledTask], id: &str| listed.iter().any(|task| task.task_id == id);
    let shown = controls.iter().find(|(_, (id, _))| has(listed, id));
    let nearest = shown.or(controls.first()).ok_or_else(|| nothing_beside(case))?;
    let [before, after] = [before(case), after(case)]
        .map(|control| control.and_then(|control| Some((control, still_listed(&control)?))));
    for (control, (id, moments)) in [Some(nearest), before.as_ref(), after.as_ref()].into_iter().flatten() {
        if has(listed, id) {
            continue;
        }
        // Another question would only say otherwise than this one.
        let was_asked_for = matches!(moments, Moments::Once(at) if asked.has(*at));
        let window = window([*moments].into_iter(), now).by_days();
        if was_asked_for || !has(&ask.scheduled_tasks(window.ends()).await?, id) {
            return Err(missing(control));
        }
    }
    Ok(evidence(nearest.0))
}

/// Why nothing shows that a list is whole.
pub(super) enum NotShown {
    /// There is nothing to show it, or it does not.
    Because(String),
    /// The vendor gave no answer.
    NoAnswer(QueryError),
}

impl From<QueryError> for NotShown {
    fn from(error: QueryError) -> Self {
        match error {
            error @ QueryError::Unreadable(_) => Self::Because(error.to_string()),
            error => Self::NoAnswer(error),
        }
    }
}

fn nothing_beside(case: &Case<'_>) -> NotShown {
    NotShown::Because(format!(
        "it is not listed, but that proves nothing: the ledger has no other {} of about that time that was accepted and \
         must be listed",
        case.kind()
    ))
}

fn missing(control: &Control) -> NotShown {
    NotShown::Because(format!(
        "it is not listed, but that proves nothing: `{}`, which the vendor accepted, is not listed either",
        control.task_name
    ))
}

fn evidence(control: &Control) -> String {
    format!("it lists `{}`, which was accepted at about that time", control.task_name)
}

/// Returns the controls that were made at about the batch's time, or later in its run, nearest first. A list that lags may
/// have what was made long before.
fn beside<'a>(case: &Case<'a>) -> Vec<&'a Control> {
    let distance = |control: &Control| (control.at - case.doubt.at).abs();
    let is_later = |control: &Control| control.at > case.doubt.at && control.run == case.doubt.intent.run;
    let is_beside = |control: &&Control| distance(control) <= BESIDE_MAX || is_later(control);
    let mut beside: Vec<&Control> = case.doubt.controls.iter().filter(is_beside).collect();
    beside.sort_by_key(|control| distance(control));
    beside
}

/// Returns the last one that was accepted of those that left before the batch, at about its time.
fn before<'a>(case: &Case<'a>) -> Option<&'a Control> {
    let is_before = |control: &&Control| control.intent < case.doubt.serial;
    beside(case).into_iter().filter(is_before).max_by_key(|control| control.intent)
}

/// Returns the first one that was accepted of those that left after the batch, whenever that was.
fn after<'a>(case: &Case<'a>) -> Option<&'a Control> {
    case.doubt
        .controls
        .iter()
        .filter(|control| control.intent > case.doubt.serial)
        .min_by_key(|control| control.intent)
}

/// Whether a list has a control: by its id, or made at the time when this machine sent it.
fn is_shown(control: &Control, listed: &[NamedTask]) -> bool {
    let is_its = |task: &NamedTask| {
        task.created_at.is_some_and(|at| super::can_have_made(control.at, at))
            || control.task_id.as_ref() == Some(&task.task_id)
    };
    listed.iter().any(|task| task.task_name == control.task_name && is_its(task))
}

/// Whether a vendor that keeps one name as it is keeps the other one, too.
fn is_as_hard_to_keep(kept: &str, name: &str) -> bool {
    let has = |text: &str, is: fn(char) -> bool| text.chars().any(is);
    let is_foreign = |c: char| !c.is_ascii();
    kept.chars().count() >= name.chars().count()
        && kept.len() >= name.len()
        && (has(kept, char::is_uppercase) || !has(name, char::is_uppercase))
        && (has(kept, is_foreign) || !has(name, is_foreign))
        && (has(kept, char::is_whitespace) || !has(name, char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plainer_or_shorter_name_that_was_kept_says_nothing_of_another() {
        assert!(is_as_hard_to_keep("p/e/hello@1#3", "p/e/hello@1#2"));
        for (kept, name) in [
            ("p/e/hello@1#9", "p/e/hello@1#10"),
            ("p/e/hello@1#1", "p/E/hello@1#2"),
            ("p/e/hello@1#1", "促销"),
            ("abcdefgh", "ab cd"),
            ("促销促销", "very long"),
        ] {
            assert!(!is_as_hard_to_keep(kept, name), "{kept} for {name}");
        }
    }
}
