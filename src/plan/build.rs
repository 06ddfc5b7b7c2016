//! Makes a plan of changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use chrono_tz::Tz;

use crate::diagnostic::Place;
use crate::diff::{self, Change, Kind, Standing, Waiting};
use crate::domain::{
    Call, Campaign, CampaignId, Environment, Life, Measure, ProjectName, Recipients, Revision, RowSeal,
    Schedule, TargetSet, render,
};
use crate::ledger::{Content, ContentDigest, Ledger};
use crate::plan::document::{
    ChangeDocument, ChangeKind, DayDocument, FORMAT, InputDocument, LedgerDocument, MessageDocument,
    PlaceDocument, PlanDocument, SummaryDocument, TargetsDocument, VERSION,
};
use crate::plan::file;
use crate::plan::reason::Speaker;
use crate::plan::schedule::ScheduleDocument;
use crate::plan::waiting::{WaitingDocument, WaitingStanding, WithdrawalDocument};
use crate::plan::widest::{ValueLengthDocument, WidestDocument};

/// What a plan is made for, apart from the campaigns.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The project whose plan it is.
    pub project: &'a ProjectName,
    /// The project's time zone.
    pub time_zone: Tz,
    /// Where it pushes to.
    pub environment: &'a Environment,
    /// What the paths of all files begin with; left out, so that a plan is the same from wherever it is made.
    pub directory: &'a str,
    /// Patterns of the campaigns that the plan is about; empty for all.
    pub only: &'a [String],
    /// Patterns of campaigns that it is not about.
    pub except: &'a [String],
    /// Campaigns that the files or the ledger have, and that the plan is not about.
    pub left_out: &'a BTreeSet<CampaignId>,
    /// The files that were read: path and SHA-256, in any order, repeats allowed.
    pub inputs: &'a [(String, [u8; 32])],
}

/// The pushes that one campaign stands for.
#[derive(Clone, Debug)]
pub struct PlannedPush {
    /// The campaign, everything filled in. Its schedule is what the vendor is told: a series that began before begins
    /// today, which is no content.
    pub campaign: Campaign,
    /// The call that carries it.
    pub call: Call,
    /// What the ledger keeps of it, before the first intent.
    pub content: Content,
    /// SHA-256 over that: what later plans compare with.
    pub digest: ContentDigest,
    /// Who gets a push.
    pub targets: TargetSet,
    /// The rows that their own values stand in, sealed.
    pub seal: Option<RowSeal>,
    /// Whether the ledger has the content already, and that it goes to so many.
    pub is_submitted: bool,
    /// How many targets it is to reach in all, those of earlier runs included.
    pub planned: u64,
    /// From when on nothing of it can be sent any more.
    pub lapses_at: Option<DateTime<Utc>>,
    /// Until when its approval counts: nothing more of it is sent from then on.
    pub approved_until: Option<DateTime<Utc>>,
    /// Number of the first batch.
    pub first_batch: u32,
    /// Requests that leave for it.
    pub requests: u64,
}

/// A plan: the document that is reviewed, and the pushes that it stands for, both in the same order.
#[derive(Clone, Debug)]
#[must_use = "a plan that nobody reads or applies was made for nothing"]
pub struct Plan {
    /// What people review and `apply` is held to.
    pub document: PlanDocument,
    /// What `apply` does: one for each change that pushes something.
    pub pushes: Vec<PlannedPush>,
    /// Revisions that a person withdrew, say the files, and that the ledger does not have as such yet.
    pub withdrawn: Vec<(CampaignId, Revision)>,
}

impl Plan {
    /// Leaves campaigns out that must not be pushed: what is left pushes nothing of them, and does not list them.
    pub fn leave_out(&mut self, campaigns: &BTreeSet<&str>) {
        let Self { document, pushes, .. } = self;
        let is_left_out =
            |change: &ChangeDocument| change.kind.is_push() && campaigns.contains(change.campaign.as_str());
        for change in document.changes.iter().filter(|change| is_left_out(change)) {
            document.summary.to_push -= 1;
            document.summary.targets -= change.targets.to_push;
            document.summary.requests -= change.requests;
        }
        document.changes.retain(|change| !is_left_out(change));
        pushes.retain(|push| !campaigns.contains(push.campaign.id.as_str()));
        let zone = document.time_zone.parse().unwrap_or(Tz::UTC);
        document.days = days(pushes, zone, document.made_at);
        document.digest = file::digest(document);
    }
}

/// Returns a path as it is below the workspace's directory.
fn within(path: &str, directory: &str) -> String {
    path.strip_prefix(directory).unwrap_or(path).trim_start_matches('/').to_owned()
}

fn inputs(setting: Setting<'_>) -> Vec<InputDocument> {
    let mut inputs: Vec<InputDocument> = setting
        .inputs
        .iter()
        .map(|(path, digest)| InputDocument {
            path: within(path, setting.directory),
            digest: format!("sha256:{}", hex::encode(digest)),
        })
        .collect();
    inputs.sort();
    inputs.dedup();
    inputs
}

/// Makes the plan of `changes`, ordered by campaign name, with its digest.
pub fn build(changes: Vec<Change<'_>>, ledger: &Ledger, setting: Setting<'_>, now: DateTime<Utc>) -> Plan {
    let mut changes = changes;
    changes.sort_by(|one, other| one.desired.campaign.id.cmp(&other.desired.campaign.id));
    let waiting = diff::waiting(&changes, setting.left_out, ledger, now);
    let pushes: Vec<PlannedPush> = changes.iter().filter_map(planned_push).collect();
    let speaker = Speaker { zone: setting.time_zone, now };
    let documents: Vec<ChangeDocument> =
        changes.iter().map(|change| change_document(change, &speaker, setting.directory)).collect();
    let withdrawn: Vec<(CampaignId, Revision)> =
        changes.iter().flat_map(Change::withdrawals).map(|(id, revision)| (id.clone(), revision)).collect();
    let environment = setting.environment;
    let summary = summary(&documents, &waiting);
    let mut document = PlanDocument {
        format: FORMAT.to_owned(),
        version: VERSION,
        made_by: concat!("campaignctl ", env!("CARGO_PKG_VERSION")).to_owned(),
        made_at: now.trunc_subsecs(0),
        digest: String::new(),
        project: setting.project.to_string(),
        environment: environment.name.to_string(),
        app_id: environment.app_id.clone(),
        workspace_id: environment.workspace_id.clone(),
        tenant_id: environment.tenant_id.clone(),
        endpoint: environment.endpoint.to_string(),
        region: environment.region.clone(),
        api_version: environment.api_version.as_str().to_owned(),
        time_zone: setting.time_zone.name().to_owned(),
        only: setting.only.to_vec(),
        except: setting.except.to_vec(),
        ledger: Some(LedgerDocument {
            lineage: ledger.header().lineage.to_string(),
            serial: ledger.serial().0,
        }),
        inputs: inputs(setting),
        summary: SummaryDocument {
            in_doubt: summary.in_doubt + unlisted_doubts(&changes, &setting, ledger),
            ..summary
        },
        days: days(&pushes, setting.time_zone, now),
        changes: documents,
        waiting: waiting.iter().map(waiting_document).collect(),
        withdrawals: withdrawn.iter().filter_map(|revision| withdrawal_document(revision, ledger)).collect(),
    };
    document.digest = file::digest(&document);
    Plan { document, pushes, withdrawn }
}

/// Counts campaigns that are in doubt in a revision that the files do not have, or are gone from them. Of a selection, those that
/// are in it.
fn unlisted_doubts(changes: &[Change<'_>], setting: &Setting<'_>, ledger: &Ledger) -> u64 {
    let is_whole = setting.only.is_empty() && setting.except.is_empty();
    let is_asked_for =
        |id: &CampaignId| is_whole || changes.iter().any(|change| change.desired.campaign.id == *id);
    let is_listed = |id: &CampaignId, revision| {
        let is_it = |change: &Change<'_>| {
            let campaign = &change.desired.campaign;
            (&campaign.id, campaign.revision) == (id, revision)
        };
        changes.iter().any(is_it)
    };
    let doubts = ledger.doubts();
    let unlisted = doubts.iter().map(|doubt| (&doubt.intent.campaign, doubt.intent.revision));
    let unlisted = unlisted.filter(|(id, revision)| is_asked_for(id) && !is_listed(id, *revision));
    unlisted.collect::<BTreeSet<_>>().len() as u64
}

/// Counts who gets a push on which day.
fn days(pushes: &[PlannedPush], zone: Tz, now: DateTime<Utc>) -> Vec<DayDocument> {
    let mut days: BTreeMap<NaiveDate, DayDocument> = BTreeMap::new();
    for PlannedPush { campaign, targets, .. } in pushes {
        let at_once = (campaign.schedule == Schedule::Now).then_some(now);
        let times = at_once.into_iter().chain(campaign.schedule.firing_times_after(now));
        for at in times {
            let day = at.with_timezone(&zone).date_naive();
            let total = days.entry(day).or_insert(DayDocument { day, targets: 0, broadcasts: 0 });
            match campaign.recipients {
                Recipients::Broadcast(_) => total.broadcasts += 1,
                Recipients::Targets(_) => total.targets += targets.len() as u64,
            }
        }
    }
    days.into_values().collect()
}

/// Returns when what is pushed fires first, where the vendor schedules it.
fn first_at(change: &Change<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let is_scheduled = change.kind.is_push() && change.push_schedule != Schedule::Now;
    is_scheduled.then(|| change.push_schedule.firing_times_after(now).next()).flatten()
}

fn planned_push(change: &Change<'_>) -> Option<PlannedPush> {
    let desired = change.desired;
    let lapses_at = match change.push_schedule {
        Schedule::Now => desired.life.stops_at(),
        Schedule::Once { .. } | Schedule::Repeat(_) => change.push_schedule.lapses_at(),
    };
    change.kind.is_push().then(|| PlannedPush {
        campaign: Campaign { schedule: change.push_schedule.clone(), ..desired.campaign.clone() },
        call: change.call,
        content: Content::of(&desired.campaign),
        digest: change.digest.clone(),
        targets: change.to_push.clone(),
        seal: change.seal.clone(),
        is_submitted: change.is_submitted,
        planned: change.planned,
        lapses_at,
        approved_until: change.approved_until,
        first_batch: change.batches_so_far + 1,
        requests: change.requests(),
    })
}

fn summary(changes: &[ChangeDocument], waiting: &[Waiting]) -> SummaryDocument {
    let removed = waiting.iter().filter(|waiting| waiting.standing == Standing::Removed).count();
    let mut summary = SummaryDocument { waiting: removed as u64, ..SummaryDocument::default() };
    for change in changes {
        let count = match change.kind {
            ChangeKind::Create | ChangeKind::Add | ChangeKind::Continue => {
                summary.targets += change.targets.to_push;
                summary.requests += change.requests;
                if change.recipients == "broadcast" {
                    summary.broadcasts += change.targets.to_push;
                }
                Some(&mut summary.to_push)
            }
            ChangeKind::UpToDate | ChangeKind::Closed => Some(&mut summary.up_to_date),
            ChangeKind::Later => Some(&mut summary.later),
            ChangeKind::Waiting => Some(&mut summary.waiting),
            ChangeKind::Blocked => Some(&mut summary.blocked),
            ChangeKind::Held => Some(&mut summary.held),
            ChangeKind::Missed => Some(&mut summary.missed),
            ChangeKind::InDoubt => None,
        };
        if let Some(count) = count {
            *count += 1;
        }
        summary.in_doubt += u64::from(change.targets.in_doubt > 0);
    }
    summary
}

fn change_document(change: &Change<'_>, speaker: &Speaker, directory: &str) -> ChangeDocument {
    let campaign = &change.desired.campaign;
    let recipients = match campaign.recipients {
        Recipients::Targets(kind) => kind.as_str(),
        Recipients::Broadcast(_) => "broadcast",
    };
    let (why, kind) = (speaker.explain(change), kind(&change.kind));
    let sent_content = match &change.kind {
        Kind::Blocked(crate::diff::Blocked::ChangedAfterSend { sent, .. }) => Some(sent.as_map().clone()),
        _ => None,
    };
    ChangeDocument {
        campaign: campaign.id.to_string(),
        revision: campaign.revision.get(),
        kind,
        reason: why.reason,
        note: speaker.note(change),
        code: why.code.map(|code| code.as_str().to_owned()),
        help: why.help,
        call: change.call.as_str().to_owned(),
        audience: change.desired.audience.name.clone(),
        recipients: recipients.to_owned(),
        targets: targets(change),
        requests: change.requests(),
        first_batch: change.batches_so_far + 1,
        audience_digest: digest_text(change.audience_digest),
        values_digest: change.values_digest.map(digest_text),
        push_digest: digest_text(change.to_push.digest()),
        schedule: schedule(&campaign.schedule, &change.desired.life),
        first_at: first_at(change, speaker.now),
        first_sent_at: change.first_push.map(|at| at.trunc_subsecs(0)),
        ends_at: change.ends_at.map(|at| at.trunc_subsecs(0)),
        missed_at: change.missed_at().map(|at| at.trunc_subsecs(0)),
        declared_at: place(&change.desired.declared_at, directory),
        content_digest: change.digest.to_string(),
        message: (!kind.is_quiet()).then(|| MessageDocument {
            title: render(&campaign.template.title, &campaign.values),
            body: render(&campaign.template.body, &campaign.values),
        }),
        widest: change
            .widest
            .as_ref()
            .filter(|_| !kind.is_quiet())
            .map(|widest| WidestDocument { title: lengths(&widest.title), body: lengths(&widest.body) }),
        content: (!kind.is_quiet()).then(|| Content::of(campaign).into_map()),
        sent_content,
    }
}

fn kind(kind: &Kind) -> ChangeKind {
    match kind {
        Kind::Create => ChangeKind::Create,
        Kind::Add => ChangeKind::Add,
        Kind::Continue => ChangeKind::Continue,
        Kind::Later { .. } => ChangeKind::Later,
        Kind::Waiting => ChangeKind::Waiting,
        Kind::UpToDate => ChangeKind::UpToDate,
        Kind::Closed(_) => ChangeKind::Closed,
        Kind::Missed => ChangeKind::Missed,
        Kind::InDoubt => ChangeKind::InDoubt,
        Kind::Blocked(_) => ChangeKind::Blocked,
        Kind::Held(_) => ChangeKind::Held,
    }
}

fn targets(change: &Change<'_>) -> TargetsDocument {
    let counts = change.counts;
    TargetsDocument {
        audience: counts.audience,
        repeats: counts.repeats,
        accepted: counts.accepted,
        in_doubt: counts.in_doubt,
        rejected: counts.rejected,
        unsent: counts.unsent,
        to_retry: counts.to_retry,
        joined: counts.joined,
        left: counts.left,
        to_push: change.to_push.len() as u64,
    }
}

fn waiting_document(waiting: &Waiting) -> WaitingDocument {
    WaitingDocument {
        campaign: waiting.campaign.to_string(),
        revision: waiting.revision.get(),
        recipients: waiting.recipients.clone(),
        schedule: schedule(&waiting.schedule, &Life::default()),
        targets: waiting.targets,
        in_doubt: waiting.in_doubt,
        standing: match waiting.standing {
            Standing::Removed => WaitingStanding::Removed,
            Standing::Superseded => WaitingStanding::Superseded,
            Standing::Changed => WaitingStanding::Changed,
            Standing::Closed => WaitingStanding::Closed,
            Standing::Withdrawn => WaitingStanding::Withdrawn,
        },
    }
}

fn withdrawal_document(
    (campaign, revision): &(CampaignId, Revision),
    ledger: &Ledger,
) -> Option<WithdrawalDocument> {
    let history = ledger.history(campaign, *revision)?;
    Some(WithdrawalDocument {
        campaign: campaign.to_string(),
        revision: revision.get(),
        recipients: history.content.recipients(),
        targets: history.sent_count(),
    })
}

fn lengths(values: &BTreeMap<String, Measure>) -> BTreeMap<String, ValueLengthDocument> {
    values.iter().map(|(name, value)| (name.clone(), (*value).into())).collect()
}

fn digest_text(digest: [u8; 32]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

fn schedule(schedule: &Schedule, life: &Life) -> ScheduleDocument {
    match schedule {
        Schedule::Now => ScheduleDocument::Now { not_before: life.not_before, not_after: life.stops_at() },
        Schedule::Once { at } => ScheduleDocument::Once { at: *at },
        Schedule::Repeat(repeat) => ScheduleDocument::Repeat {
            every: repeat.cycle().as_str().to_owned(),
            on: repeat.cycle().days().map(|days| days.iter().copied().collect()),
            time: repeat.time(),
            from: repeat.from(),
            until: repeat.until(),
        },
    }
}

fn place(place: &Place, directory: &str) -> PlaceDocument {
    let file = within(place.path(), directory);
    PlaceDocument { file, line: place.line_once().unwrap_or(1) }
}
