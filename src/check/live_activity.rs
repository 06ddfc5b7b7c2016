//! Rules about an iOS Live Activity's change.

use chrono_tz::Tz;

use crate::check::declaration::Declaration;
use crate::check::{json, time};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{ActivityEvent, LiveActivity};
use crate::load::model::{ActivityEventSyntax, CampaignSyntax, LiveActivitySyntax};

/// Applies the rules of a campaign's Live Activity; times without an offset are in `zone`.
pub(super) fn live_activity(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &LiveActivitySyntax,
    zone: Tz,
) -> Option<LiveActivity> {
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
    let event = match syntax.event {
        ActivityEventSyntax::Update => ActivityEvent::Update,
        ActivityEventSyntax::End => ActivityEvent::End { dismiss_at },
    };
    Some(LiveActivity { event, state: json::flat_object(syntax.state.as_ref()?) })
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

/// `live-activity-state`: iOS shows what the state says, so a change needs one.
fn live_activity_state(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &LiveActivitySyntax,
) {
    if syntax.state.as_ref().is_none_or(serde_json::Map::is_empty) {
        let place = declaration.key(&["live_activity", "state"]);
        let message = "a Live Activity's change has no state";
        out.push(
            Diagnostic::error(Code::LiveActivityState, place, message)
                .help("add `state` with the content that the app decodes, also for the last one"),
        );
    }
}
