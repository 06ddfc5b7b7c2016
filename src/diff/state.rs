//! Where every campaign stands, without reading an audience.
//!
//! Files, ledger and clock are enough for that, but for who joined or left an audience since it was last planned: so a
//! ledger of millions is told at once, and a list that cannot be read hides nothing of what was sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::diff::change::{Closed, Kind, Standing};
use crate::diff::compare::Standpoint;
use crate::diff::counts::TargetCounts;
use crate::diff::renamed::Gone;
use crate::diff::revisions::{is_withdrawn, waits};
use crate::diff::waiting;
use crate::domain::{CampaignId, Revision, Schedule};
use crate::ledger::{ContentDigest, History, Ledger};
use crate::resolve::{Desired, DesiredCampaign};

/// Where one campaign revision stands.
#[derive(Clone, Debug)]
pub struct State<'a> {
    /// Its campaign: of the files, of the ledger, or of both.
    pub campaign: &'a CampaignId,
    /// Which revision; states of one campaign are in this order.
    pub revision: Revision,
    /// What the files say of this revision, if they have it.
    pub desired: Option<&'a DesiredCampaign>,
    /// What the ledger knows of it, if it does.
    pub history: Option<&'a History>,
    /// What it comes to.
    pub kind: Kind,
    /// From when on nothing of it is pushed; nothing if that is not known yet, or never.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether only its audience, or those of others, can say if it is pushed: it may have said the same under another name, or
    /// its tasks may be too many.
    pub needs_audience: bool,
    /// How it stands to the files, where it waits at the vendor and is not what they say.
    pub standing: Option<Standing>,
}

/// Returns the state of every revision that the files or the ledger have, by campaign, then revision. Without `desired`,
/// whose files could not be read, it is what the ledger alone tells.
#[must_use]
pub fn states<'a>(desired: Option<&'a Desired>, ledger: &'a Ledger, now: DateTime<Utc>) -> Vec<State<'a>> {
    let has_waiting = ledger.unexecuted_tasks(now) > 0;
    let mut states: BTreeMap<(&CampaignId, Revision), State<'a>> = BTreeMap::new();
    let mut known: BTreeMap<&CampaignId, &DesiredCampaign> = BTreeMap::new();
    let gone = desired.map(|desired| Gone::new(desired, ledger));
    for each in desired.iter().flat_map(|desired| &desired.campaigns) {
        known.insert(&each.campaign.id, each);
        let state = of_files(each, (ledger, gone.as_ref()), has_waiting, now);
        states.insert((state.campaign, state.revision), state);
    }
    for (campaign, revision, history) in ledger.histories() {
        let files = match (desired, known.get(campaign)) {
            (None, _) => Files::Unread,
            (Some(_), None) => Files::Without,
            (Some(_), Some(other)) => Files::Other(other),
        };
        states
            .entry((campaign, revision))
            .or_insert_with(|| of_ledger((campaign, revision, history), files, now));
    }
    states.into_values().collect()
}

fn of_files<'a>(
    desired: &'a DesiredCampaign,
    (ledger, gone): (&'a Ledger, Option<&Gone<'_>>),
    has_waiting: bool,
    now: DateTime<Utc>,
) -> State<'a> {
    let campaign = &desired.campaign;
    let digest = ContentDigest::of(campaign);
    let history = ledger.history(&campaign.id, campaign.revision);
    let waiting = if has_waiting { waiting::of_campaign(desired, &digest, ledger, now) } else { Vec::new() };
    let standpoint = Standpoint::of((desired, &digest), history, ledger, has_waiting, now);
    // Of an audience that was never planned it is known that it has somebody.
    let unsent = history.filter(|history| history.is_sent()).map_or(1, left);
    let counts = TargetCounts { unsent, ..TargetCounts::default() };
    let kind = standpoint.kind(&counts, &waiting);
    let is_new = kind == Kind::Create || matches!(kind, Kind::Later { .. });
    let may_be_renamed = is_new && gone.is_some_and(|gone| gone.said(&digest));
    let needs_audience = may_be_renamed || (kind.is_push() && campaign.schedule != Schedule::Now);
    let mine = waiting.iter().find(|each| each.revision == campaign.revision);
    State {
        campaign: &campaign.id,
        revision: campaign.revision,
        desired: Some(desired),
        history,
        kind,
        ends_at: standpoint.ends_at,
        needs_audience,
        standing: mine.map(|waiting| waiting.standing),
    }
}

/// What the files say of a revision that they do not have.
#[derive(Clone, Copy)]
enum Files<'a> {
    /// They could not be read.
    Unread,
    /// They have no such campaign.
    Without,
    /// They have it in another revision.
    Other(&'a DesiredCampaign),
}

fn of_ledger<'a>(
    (campaign, revision, history): (&'a CampaignId, Revision, &'a History),
    files: Files<'_>,
    now: DateTime<Utc>,
) -> State<'a> {
    let (standing, by_file) = match files {
        Files::Unread => (None, false),
        Files::Without => (Some(Standing::Removed), false),
        Files::Other(desired) => (Some(Standing::Superseded), is_withdrawn(desired, revision)),
    };
    let is_waiting = waits(history, now);
    let ends_at = history.content.schedule().and_then(|schedule| schedule.over_at());
    let is_over = ends_at.is_some_and(|at| at <= now);
    let kind = match () {
        () if !history.unknown.is_empty() => Kind::InDoubt,
        () if by_file || history.withdrawn_at.is_some() => Kind::Closed(Closed::Withdrawn),
        () if is_waiting => Kind::Waiting,
        () if left(history) == 0 => Kind::UpToDate,
        () if standing.is_some() => Kind::Closed(Closed::Over),
        () if is_over => Kind::Missed,
        () => Kind::Continue,
    };
    let standing = standing.filter(|_| is_waiting && !matches!(kind, Kind::Closed(_)));
    State {
        campaign,
        revision,
        desired: None,
        history: Some(history),
        kind,
        ends_at,
        needs_audience: false,
        standing,
    }
}

/// Counts those that it was planned for and that met no end yet.
fn left(history: &History) -> u64 {
    let rejected = history.rejected.len() as u64;
    history.planned.map_or(rejected, |planned| planned.saturating_sub(history.sent_count()).max(rejected))
}
