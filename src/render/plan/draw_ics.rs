//! Draws what a plan fires as a calendar that other programs read (RFC 5545).
//!
//! The same plan gives the same bytes, and what fires has the same id in the next plan: an event is moved on, not made twice. What
//! is pushed as soon as the plan is applied has no time, and is no event.

use chrono::TimeDelta;
use icalendar::{Calendar as Ics, Component, Event, EventLike, EventStatus, Property};
use sha2::{Digest, Sha256};

use crate::plan::{PlanDocument, people};
use crate::render::plan::calendar::{Calendar, Firing, Who};
use crate::render::plan::campaign::named_revision;
use crate::render::text;

/// How long an event is that is a moment: shorter ones are drawn as nothing by some.
const MINUTES: i64 = 15;

/// Bytes of an id.
const ID_BYTES: usize = 16;

/// Returns the calendar, its lines folded, each with the end that the format wants.
pub(super) fn drawn(plan: &PlanDocument, calendar: &Calendar<'_>) -> String {
    let mut ics = Ics::empty();
    let name = format!("{} in {}", plain(&plan.project), plain(&plan.environment));
    for (key, value) in
        [("VERSION", "2.0"), ("PRODID", "-//campaignctl//plan//EN"), ("CALSCALE", "GREGORIAN")]
    {
        ics.append_property(Property::new(key, value));
    }
    ics.name(&name);
    for firing in &calendar.firings {
        ics.push(event(plan, firing));
    }
    ics.to_string()
}

fn event(plan: &PlanDocument, firing: &Firing<'_>) -> Event {
    let campaign = named_revision(firing.campaign, firing.revision);
    let Who { planned, waiting, sent } = firing.who;
    let states = [(planned, "planned"), (waiting, "waiting at the vendor"), (sent, "sent")];
    let states = states.into_iter().filter(|(count, _)| *count > 0);
    let who = |count| if firing.is_broadcast { "a broadcast".to_owned() } else { people(count) };
    let states: Vec<String> = states.map(|(count, word)| format!("{word}: {}", who(count))).collect();
    let is_planned = waiting == 0 && sent == 0;
    let mut event = Event::with_uid(&id(plan, firing));
    event
        .timestamp(plan.made_at)
        .starts(firing.at)
        .ends(firing.until.unwrap_or(firing.at + TimeDelta::minutes(MINUTES)))
        .summary(&format!("{} ({})", plain(&campaign), states.join(", ")))
        .status(if is_planned { EventStatus::Tentative } else { EventStatus::Confirmed })
        // Whoever looks into it is as free as before.
        .add_property("TRANSP", "TRANSPARENT");
    event.done()
}

/// Returns a text without anything hidden, and without what a log's reader may take for a command: lines are folded anywhere.
fn plain(foreign: &str) -> String {
    text::plain(foreign).replace("::", ": :").replace("##", "# #")
}

/// Returns the id of what fires: the same in every plan of this environment.
fn id(plan: &PlanDocument, firing: &Firing<'_>) -> String {
    let mut hash = Sha256::new();
    let (revision, at) = (firing.revision.to_string(), text::utc(firing.at));
    for part in [&plan.project, &plan.environment, firing.campaign, &revision, &at] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("{}@campaignctl", hex::encode(&hash.finalize()[..ID_BYTES]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::ChangeKind;
    use crate::render::escape::is_hidden;
    use crate::render::plan::{ics, samples};

    fn plan(campaign: &str, kind: ChangeKind) -> PlanDocument {
        let mut change = samples::one_change(campaign, kind);
        change.schedule = serde_json::from_str(r#"{"send":"once","at":"2026-12-15T01:00:00Z"}"#).unwrap();
        change.targets.accepted = 24;
        samples::one_plan(&[change])
    }

    #[test]
    fn an_event_is_whole_and_each_line_ends_as_the_format_wants() {
        let calendar = ics(&plan("payday, 工资; \n", ChangeKind::Waiting));
        insta::assert_snapshot!(calendar.replace("\r\n", "\n"), @r"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//campaignctl//plan//EN
        CALSCALE:GREGORIAN
        NAME:acme in production
        X-WR-CALNAME:acme in production
        BEGIN:VEVENT
        DTEND:20261215T011500Z
        DTSTAMP:20261124T020000Z
        DTSTART:20261215T010000Z
        STATUS:CONFIRMED
        SUMMARY:payday\, 工资\; \\n (waiting at the vendor: 24 people)
        TRANSP:TRANSPARENT
        UID:7ebde2aa1420a9674abe45d91f222495@campaignctl
        END:VEVENT
        END:VCALENDAR
        ");
        assert!(calendar.split_inclusive('\n').all(|line| line.ends_with("\r\n") && line.len() <= 77));
    }

    #[test]
    fn what_waits_has_the_id_that_it_had_when_it_was_planned() {
        let id =
            |calendar: String| calendar.lines().find(|line| line.starts_with("UID:")).unwrap().to_owned();
        let planned = id(ics(&plan("a", ChangeKind::Create)));
        assert_eq!(id(ics(&plan("a", ChangeKind::Waiting))), planned);
        assert_ne!(id(ics(&plan("b", ChangeKind::Create))), planned);
        let mut later = plan("a", ChangeKind::Create);
        later.made_at += TimeDelta::days(1);
        assert_eq!(id(ics(&later)), planned);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_a_plan_says_it_makes_no_line_of_its_own(plan in samples::plan(4)) {
            let calendar = ics(&plan);
            prop_assert_eq!(&calendar, &ics(&plan));
            let known = ["BEGIN:", "END:", "VERSION:", "PRODID:", "CALSCALE:", "NAME:", "X-WR-CALNAME:", "UID:", "DTSTAMP:",
                "DTSTART:", "DTEND:", "SUMMARY:", "STATUS:", "TRANSP:", " "];
            for line in calendar.split_terminator("\r\n") {
                prop_assert!(known.iter().any(|known| line.starts_with(known)), "{:?}", line);
                prop_assert!(!line.contains(|c| is_hidden(c) && !matches!(c, '\u{200d}' | '\u{fe0f}')), "{:?}", line);
                prop_assert!(!line.trim_start().starts_with("::") && !line.contains("##["), "{:?}", line);
                // The last line of one that is folded may have a byte more than the format recommends.
                prop_assert!(line.len() <= 76, "{} bytes", line.len());
            }
        }
    }
}
