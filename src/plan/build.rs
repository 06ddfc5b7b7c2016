//! Makes a plan of changes.

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;

use crate::diagnostic::Place;
use crate::diff::{self, Change, Kind, Standing, Waiting};
use crate::domain::{
    Call, Campaign, Environment, ProjectName, Recipients, RowSeal, Schedule, TargetSet, render,
};
use crate::ledger::{Content, ContentDigest, Ledger};
use crate::plan::document::{
    ChangeDocument, ChangeKind, FORMAT, InputDocument, LedgerDocument, MessageDocument, PlaceDocument,
    PlanDocument, ScheduleDocument, SummaryDocument, TargetsDocument, VERSION, WaitingDocument,
    WaitingStanding,
};
use crate::plan::{file, guard, reason};

/// What a plan is made for, apart from the campaigns.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// The project's time zone.
    pub time_zone: Tz,
    /// The environment.
    pub environment: &'a Environment,
    /// What the paths of all files begin with; left out, so that a plan is the same from wherever it is made.
    pub directory: &'a str,
    /// The files that were read: path and SHA-256, in any order, repeats allowed.
    pub inputs: &'a [(String, [u8; 32])],
}

/// The pushes that one campaign stands for.
#[derive(Clone, Debug)]
pub struct PlannedPush {
    /// The campaign, everything filled in.
    pub campaign: Campaign,
    /// The call that carries it.
    pub call: Call,
    /// Its content.
    pub content: Content,
    /// Its content's digest.
    pub digest: ContentDigest,
    /// Who gets a push.
    pub targets: TargetSet,
    /// The rows that their own values stand in, sealed.
    pub seal: Option<RowSeal>,
    /// Whether the ledger has the content already.
    pub is_submitted: bool,
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
    /// What `apply` does: one for each change of kind `create`.
    pub pushes: Vec<PlannedPush>,
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

/// Makes the plan of `changes`, ordered by campaign name, with guards and digest.
pub fn build(changes: Vec<Change<'_>>, ledger: &Ledger, setting: Setting<'_>, now: DateTime<Utc>) -> Plan {
    let mut changes = changes;
    changes.sort_by(|one, other| one.desired.campaign.id.cmp(&other.desired.campaign.id));
    let pushes: Vec<PlannedPush> = changes.iter().filter_map(planned_push).collect();
    let documents: Vec<ChangeDocument> =
        changes.iter().map(|change| change_document(change, setting.directory)).collect();
    // More than there are, where some were refused and sent again: then the vendor refuses what is too much.
    let withdrawn = changes.iter().flat_map(|change| &change.waiting);
    let withdrawn = withdrawn.filter(|waiting| waiting.standing == Standing::Withdrawn);
    let withdrawn = withdrawn.map(|waiting| waiting.requests).sum();
    let environment = setting.environment;
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
        ledger: LedgerDocument { lineage: ledger.header().lineage.to_string(), serial: ledger.serial().0 },
        inputs: inputs(setting),
        summary: summary(&documents),
        guards: guard::guards(&documents, ledger.unexecuted_tasks(now) as u64, withdrawn),
        changes: documents,
        waiting: diff::waiting(&changes, ledger, now).iter().map(waiting).collect(),
    };
    document.digest = file::digest(&document);
    Plan { document, pushes }
}

fn planned_push(change: &Change<'_>) -> Option<PlannedPush> {
    (change.kind == Kind::Create).then(|| PlannedPush {
        campaign: change.desired.campaign.clone(),
        call: change.call,
        content: Content::of(&change.desired.campaign),
        digest: change.digest.clone(),
        targets: change.to_push.clone(),
        seal: change.seal.clone(),
        is_submitted: change.is_submitted,
        first_batch: change.batches_so_far + 1,
        requests: requests(change),
    })
}

fn requests(change: &Change<'_>) -> u64 {
    change.to_push.len().div_ceil(change.call.targets_max()) as u64
}

fn summary(changes: &[ChangeDocument]) -> SummaryDocument {
    let mut summary = SummaryDocument::default();
    for change in changes {
        match change.kind {
            ChangeKind::Create => {
                summary.to_push += 1;
                summary.targets += change.targets.to_push;
                summary.requests += change.requests;
            }
            ChangeKind::UpToDate => summary.up_to_date += 1,
            ChangeKind::Blocked => summary.blocked += 1,
            ChangeKind::Expired => summary.expired += 1,
            ChangeKind::InDoubt => {}
        }
        summary.in_doubt += u64::from(change.targets.in_doubt > 0);
    }
    summary
}

fn change_document(change: &Change<'_>, directory: &str) -> ChangeDocument {
    let campaign = &change.desired.campaign;
    let recipients = match campaign.recipients {
        Recipients::Targets(kind) => kind.as_str(),
        Recipients::Broadcast(_) => "broadcast",
    };
    let why = reason::of(change);
    let is_quiet = change.kind == Kind::UpToDate;
    let sent_content = match &change.kind {
        Kind::Blocked(crate::diff::Blocked::ChangedAfterSend { sent, .. }) => Some(sent.as_map().clone()),
        _ => None,
    };
    ChangeDocument {
        campaign: campaign.id.to_string(),
        revision: campaign.revision.get(),
        kind: kind(&change.kind),
        reason: why.reason,
        note: reason::note(change),
        code: why.code.map(|code| code.as_str().to_owned()),
        help: why.help,
        call: change.call.as_str().to_owned(),
        audience: change.desired.audience.name.clone(),
        recipients: recipients.to_owned(),
        targets: targets(change),
        requests: requests(change),
        first_batch: change.batches_so_far + 1,
        audience_digest: digest_text(change.audience_digest),
        push_digest: digest_text(change.to_push.digest()),
        schedule: schedule(&campaign.schedule),
        declared_at: place(&change.desired.declared_at, directory),
        content_digest: change.digest.to_string(),
        message: (!is_quiet).then(|| MessageDocument {
            title: render(&campaign.template.title, &campaign.values),
            body: render(&campaign.template.body, &campaign.values),
        }),
        content: (!is_quiet).then(|| Content::of(campaign).into_map()),
        sent_content,
    }
}

fn kind(kind: &Kind) -> ChangeKind {
    match kind {
        Kind::Create => ChangeKind::Create,
        Kind::UpToDate => ChangeKind::UpToDate,
        Kind::InDoubt => ChangeKind::InDoubt,
        Kind::Blocked(_) => ChangeKind::Blocked,
        Kind::Expired(_) => ChangeKind::Expired,
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
        to_push: change.to_push.len() as u64,
    }
}

fn waiting(waiting: &Waiting) -> WaitingDocument {
    WaitingDocument {
        campaign: waiting.campaign.to_string(),
        revision: waiting.revision.get(),
        recipients: waiting.recipients.clone(),
        schedule: schedule(&waiting.schedule),
        targets: waiting.targets,
        in_doubt: waiting.in_doubt,
        standing: match waiting.standing {
            Standing::Removed => WaitingStanding::Removed,
            Standing::Superseded => WaitingStanding::Superseded,
            Standing::Changed => WaitingStanding::Changed,
            Standing::Withdrawn => WaitingStanding::Withdrawn,
        },
    }
}

fn digest_text(digest: [u8; 32]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

fn schedule(schedule: &Schedule) -> ScheduleDocument {
    match schedule {
        Schedule::Now => ScheduleDocument::Now {},
        Schedule::Once { at } => ScheduleDocument::Once { at: *at },
        Schedule::Repeat(repeat) => ScheduleDocument::Repeat {
            every: repeat.cycle().as_str().to_owned(),
            on: repeat.cycle().circle_value().map(|days| days.iter().copied().collect()),
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
