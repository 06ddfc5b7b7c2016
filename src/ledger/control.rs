//! Positive controls: batches that the vendor accepted beside one that is in doubt.
//!
//! That a list lacks a batch proves something only where it has another one that it must have. Which one that is, is
//! noted while the records pass: of each kind of batch the last one that was accepted before, and the first one after.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::Call;
use crate::ledger::content::Content;
use crate::ledger::history::Control;
use crate::ledger::history::Doubt;
use crate::ledger::id::Serial;
use crate::ledger::intent::IntentRecord;

/// What batches have in common that stand in the same lists in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Route {
    call: Call,
    timing: Timing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Timing {
    Now,
    Once,
    Repeat,
}

impl Route {
    /// Returns the route of a batch; nothing for one that is in no list, such as an immediate `PushTemplate`.
    pub(super) fn of(content: &Content, intent: &IntentRecord) -> Option<Self> {
        let call = if content.is_broadcast() { Call::Broadcast } else { intent.call };
        let timing = match content.as_map().get("strategy")?["send"].as_str()? {
            "now" => Timing::Now,
            "once" => Timing::Once,
            "repeat" => Timing::Repeat,
            _ => return None,
        };
        (call.is_listed_by_name() || timing != Timing::Now).then_some(Self { call, timing })
    }
}

/// The controls of all batches whose outcome is not known yet.
#[derive(Default)]
pub(super) struct Controls {
    /// The last accepted batch of each route.
    latest: BTreeMap<Route, Arc<Control>>,
    /// Intents after which no other one was accepted yet.
    awaiting: BTreeMap<Route, Vec<Serial>>,
    beside: HashMap<Serial, Vec<Arc<Control>>>,
}

impl Controls {
    /// Notes an intent.
    pub(super) fn open(&mut self, intent: Serial, route: Option<Route>) {
        let Some(route) = route else { return };
        self.beside.insert(intent, self.latest.get(&route).cloned().into_iter().collect());
        self.awaiting.entry(route).or_default().push(intent);
    }

    /// Takes up a batch in doubt that was packed, with its controls.
    pub(super) fn take_up(&mut self, intent: Serial, route: Option<Route>, controls: Vec<Control>) {
        let Some(route) = route else { return };
        if controls.iter().all(|control| control.intent < intent) {
            self.awaiting.entry(route).or_default().push(intent);
        }
        self.beside.insert(intent, controls.into_iter().map(Arc::new).collect());
    }

    /// Notes that an intent was settled, and if the vendor itself says that it was accepted, as which task.
    pub(super) fn close(&mut self, doubt: &Doubt, accepted: Option<(Route, Option<String>)>) {
        self.beside.remove(&doubt.serial);
        let Some((route, task_id)) = accepted else { return };
        let control = Arc::new(Control {
            intent: doubt.serial,
            at: doubt.at,
            run: doubt.intent.run.clone(),
            campaign: doubt.intent.campaign.clone(),
            revision: doubt.intent.revision,
            task_name: doubt.intent.task_name.clone(),
            task_id,
        });
        // Of several on their way at once, one that left before may be accepted after: it shows nothing of what came later.
        let mut waiting = self.awaiting.remove(&route).unwrap_or_default();
        waiting.retain(|waiting| {
            let Some(controls) = self.beside.get_mut(waiting) else { return false };
            let is_before = control.intent < *waiting;
            if is_before && controls.iter().all(|known| known.intent < control.intent) {
                controls.clear();
            }
            if !is_before || controls.is_empty() {
                controls.push(Arc::clone(&control));
            }
            is_before
        });
        if !waiting.is_empty() {
            self.awaiting.insert(route, waiting);
        }
        self.latest.insert(route, control);
    }

    /// Returns the controls of an intent.
    pub(super) fn of(&self, intent: Serial) -> Vec<Control> {
        self.beside.get(&intent).into_iter().flatten().map(|control| (**control).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{CampaignId, LedgerSalt, Revision, Schedule};
    use crate::ledger::content_decode::tests::content;
    use crate::ledger::{
        Entry, FORMAT_VERSION, FoldError, Header, Judge, Ledger, Lineage, Mark, Outcome, Record, RunId,
        Verdict,
    };

    fn folded(records: Vec<Record>, first: u64) -> Ledger {
        let entries = records.into_iter().zip(first..);
        let at = DateTime::UNIX_EPOCH;
        Ledger::fold(
            entries.map(|(record, serial)| Ok::<_, FoldError>(Entry { serial: Serial(serial), at, record })),
        )
        .unwrap()
    }

    /// A ledger with a batch for each letter, all sent before the first one's outcome is known: `a` accepted, `r`
    /// rejected, `?` unknown, `.` without an outcome, `p` and `v` accepted by a verdict of a person's and the vendor's.
    fn ledger(schedule: Schedule, batches: &str) -> Ledger {
        let run = RunId::new(uuid::Uuid::from_u128(1));
        let header = Header {
            format: FORMAT_VERSION,
            lineage: Lineage::new(uuid::Uuid::from_u128(1)),
            salt: LedgerSalt::new([1; 16]),
            project: "p".parse().unwrap(),
            environment: "e".parse().unwrap(),
            app_id: "A".into(),
            workspace_id: "w".into(),
            destination: None,
            key: None,
        };
        let (campaign, content): (CampaignId, _) = ("c".parse().unwrap(), content(schedule));
        let revision = Revision::FIRST;
        let digest = content.digest();
        let submitted = Record::Submitted {
            run: run.clone(),
            campaign: campaign.clone(),
            revision,
            digest,
            content,
            planned: None,
        };
        let mut records = vec![Record::Opened(header), submitted];
        for (batch, letter) in (1..).zip(batches.chars()) {
            records.push(Record::Intent(IntentRecord {
                run: run.clone(),
                campaign: campaign.clone(),
                revision,
                batch,
                call: crate::domain::Call::Template,
                task_name: format!("{letter}{batch}"),
                nonce: batch.to_string(),
                request: None,
                over_at: None,
                targets: Vec::new(),
            }));
            let intent = Serial(records.len() as u64);
            let accepted = Outcome::Accepted { request_id: None, task_id: Some(batch.to_string()) };
            let outcome = match letter {
                'a' => accepted,
                'r' => Outcome::Rejected { code: "c".into(), message: "m".into(), request_id: None },
                '.' => continue,
                _ => Outcome::Unknown { why: "w".into(), code: None, request_id: None },
            };
            records.push(Record::Outcome { intent, outcome });
            let by = match letter {
                'p' => Judge::Person,
                'v' => Judge::Vendor,
                _ => continue,
            };
            records.push(Record::Verdict {
                intent,
                verdict: Verdict::Accepted,
                reason: "r".into(),
                actor: "a".into(),
                by,
                task_id: None,
            });
        }
        folded(records, 1)
    }

    /// The controls of each batch in doubt.
    fn controls(ledger: &Ledger) -> String {
        let names = |doubt: &Doubt| {
            let names = doubt.controls.iter().map(|control| control.task_name.clone());
            format!("{}: {}", doubt.intent.task_name, names.collect::<Vec<_>>().join(" "))
        };
        ledger.doubts().into_iter().map(names).collect::<Vec<_>>().join(", ")
    }

    const ONCE: Schedule = Schedule::Once { at: DateTime::UNIX_EPOCH };

    #[test]
    fn a_doubt_has_the_accepted_batches_right_before_and_after_it() {
        assert_eq!(controls(&ledger(ONCE, "aa?aa")), "?3: a2 a4");
        assert_eq!(controls(&ledger(ONCE, "?.ra")), "?1: a4, .2: a4");
        assert_eq!(controls(&ledger(ONCE, "ar?")), "?3: a1");
        assert_eq!(controls(&ledger(ONCE, "r?.")), "?2: , .3: ");
    }

    #[test]
    fn one_that_left_before_and_was_accepted_after_is_none_that_came_after() {
        let doubts: Vec<Doubt> = ledger(ONCE, "....").doubts().into_iter().cloned().collect();
        let route = Route { call: Call::Template, timing: Timing::Once };
        let mut controls = Controls::default();
        for doubt in &doubts {
            controls.open(doubt.serial, Some(route));
        }
        let [first, second, third, last] = &doubts[..] else { unreachable!("there are four") };
        let of_third = |controls: &Controls| -> Vec<Serial> {
            controls.of(third.serial).iter().map(|control| control.intent).collect()
        };
        controls.close(second, Some((route, None)));
        controls.close(first, Some((route, None)));
        assert_eq!(of_third(&controls), [second.serial]);
        controls.close(last, Some((route, None)));
        assert_eq!(of_third(&controls), [second.serial, last.serial]);
    }

    #[test]
    fn a_persons_word_is_no_control_and_the_vendors_is() {
        assert_eq!(controls(&ledger(ONCE, "?p")), "?1: ");
        assert_eq!(controls(&ledger(ONCE, "?v")), "?1: v2");
    }

    #[test]
    fn what_is_in_no_list_is_no_control() {
        assert_eq!(controls(&ledger(Schedule::Now, "a?a")), "?2: ");
    }

    #[test]
    fn controls_outlive_packing() {
        for batches in ["a?a", "a?", "?a", "?"] {
            let ledger = ledger(ONCE, batches);
            let mark = Mark { serial: ledger.serial(), chain: "0".repeat(32) };
            let records = ledger.pack(mark, Vec::new()).map(|packed| packed.unwrap().record).collect();
            let packed = folded(records, ledger.serial().0 + 1);
            assert_eq!(controls(&packed), controls(&ledger), "{batches}");
            assert!(packed.adds_up_to(&ledger).unwrap());
        }
    }
}
