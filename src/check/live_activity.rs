//! Rules about an iOS Live Activity's change.

use chrono_tz::Tz;

use crate::check::declaration::Declaration;
use crate::check::{json, time, wire_text};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{ActivityEvent, LineFeeds, LiveActivity};
use crate::load::model::{ActivityEventSyntax, CampaignSyntax, LiveActivitySyntax};

/// Applies the rules of a campaign's Live Activity; times without an offset are in `zone`.
pub(super) fn live_activity(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &LiveActivitySyntax,
    zone: Tz,
) -> LiveActivity {
    let place = || declaration.value(&["live_activity", "dismiss_at"]);
    let dismiss_at = match &syntax.dismiss_at {
        None => None,
        Some(text) => match time::instant(text, zone) {
            Ok(at) => Some(at),
            Err(error) => {
                out.push(error.report(place()));
                None
            }
        },
    };
    dismiss_with_update(out, declaration, syntax);
    live_activity_state(out, declaration, syntax);
    if let Some(state) = &syntax.state {
        let place = || declaration.value(&["live_activity", "state"]);
        wire_text::check_object(out, ("state", state), LineFeeds::Allowed, place);
    }
    let event = match syntax.event {
        ActivityEventSyntax::Update => ActivityEvent::Update,
        ActivityEventSyntax::End => ActivityEvent::End { dismiss_at },
    };
    LiveActivity { event, state: syntax.state.as_ref().map(json::flat_object) }
}

/// `dismiss-with-update`: `DismissalDate` applies to `end` only (API page of `PushTemplate`).
fn dismiss_with_update(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &LiveActivitySyntax,
) {
    if syntax.event == ActivityEventSyntax::Update && syntax.dismiss_at.is_some() {
        let place = declaration.key(&["live_activity", "dismiss_at"]);
        out.push(
            Diagnostic::error(Code::DismissWithUpdate, place, "an update has no dismissal time")
                .related(declaration.value(&["live_activity", "event"]), "the update")
                .help("remove it, or write `event: end`"),
        );
    }
}

/// `live-activity-state`: iOS shows what an update's state says, so it needs one. An end may leave the last one (vendor page
/// 2871127: optional). An empty one shows nothing.
fn live_activity_state(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &LiveActivitySyntax,
) {
    let (message, help) = match (&syntax.state, syntax.event) {
        (None, ActivityEventSyntax::End) => return,
        (Some(state), _) if !state.is_empty() => return,
        (None, ActivityEventSyntax::Update) => {
            ("a Live Activity's update has no state", "add `state` with the content that the app decodes")
        }
        (Some(_), ActivityEventSyntax::Update) => {
            ("the state of a Live Activity's update is empty", "write the content that the app decodes")
        }
        (Some(_), ActivityEventSyntax::End) => (
            "the state of a Live Activity's end is empty",
            "write the content that the app decodes, or remove `state` to leave the last one on the screen",
        ),
    };
    let place = declaration.key(&["live_activity", "state"]);
    out.push(Diagnostic::error(Code::LiveActivityState, place, message).help(help));
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign_to, diagnose};

    fn live_activity(entries: &str) -> String {
        let extra = format!(", live_activity: {{ {entries} }}");
        diagnose(&campaign_to("live_activities: [x]", &extra))
    }

    #[test]
    fn a_dismissal_belongs_to_an_end() {
        assert_eq!(live_activity("event: end, state: { a: 1 }, dismiss_at: 2026-12-15T18:00:00+08:00"), "");
        assert_eq!(live_activity("event: end, state: { a: 1 }"), "");
        insta::assert_snapshot!(live_activity("event: update, state: { a: 1 }, dismiss_at: 2026-12-15T18:00:00"), @r"
        a.yaml:5:115 dismiss-with-update: an update has no dismissal time
            a.yaml:5:90 the update
            = remove it, or write `event: end`
        ");
        insta::assert_snapshot!(live_activity("event: end, state: { a: 1 }, dismiss_at: soon"), @r"
        a.yaml:5:124 bad-time: `soon` is not a date and time
            = write it as `2026-12-15T09:00:00+08:00`, or without the offset in the project's time zone
        ");
    }

    #[test]
    fn an_update_has_a_state_and_an_end_may_leave_the_last_one() {
        assert_eq!(live_activity("event: end"), "");
        assert_eq!(live_activity("event: end, dismiss_at: 2026-12-15T18:00:00+08:00"), "");
        insta::assert_snapshot!(live_activity("event: update"), @r"
        a.yaml:5:66 live-activity-state: a Live Activity's update has no state
            = add `state` with the content that the app decodes
        ");
        insta::assert_snapshot!(live_activity("event: update, state: {}"), @r"
        a.yaml:5:98 live-activity-state: the state of a Live Activity's update is empty
            = write the content that the app decodes
        ");
        insta::assert_snapshot!(live_activity("event: end, state: {}"), @r"
        a.yaml:5:95 live-activity-state: the state of a Live Activity's end is empty
            = write the content that the app decodes, or remove `state` to leave the last one on the screen
        ");
    }
}
