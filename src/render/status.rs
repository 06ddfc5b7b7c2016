//! What a ledger knows of campaigns, as people and machines read it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::diff::{Blocked, Closed, Held, Kind, Standing, State};
use crate::domain::{CampaignId, Recipients, Revision};
use crate::ledger::{Doubt, History, Ledger, Ruling, RunSummary, Task};
use crate::plan::{ChangeDocument, ChangeKind};
use crate::render::text;

/// One campaign revision: where it stands, and what the ledger has of it.
#[derive(Clone, Debug)]
pub struct CampaignStatus {
    pub(super) standing: StandingStatus,
    pub(super) on_record: Option<OnRecord>,
}

/// What a campaign revision has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateName {
    Due,
    Later,
    Waiting,
    Done,
    Closed,
    Missed,
    Blocked,
    Held,
    InDoubt,
}

/// Where a campaign revision stands.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StandingStatus {
    pub(super) campaign: String,
    pub(super) revision: u32,
    pub(super) state: StateName,
    /// Since when, as far as files and ledger say.
    pub(super) since: Option<DateTime<Utc>>,
    /// What else there is to know of the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    /// When it fires next, or its window opens; nothing once it is over, or if it is sent at once.
    pub(super) next_at: Option<DateTime<Utc>>,
    /// When it fires for the last time, if it is scheduled or repeating.
    pub(super) until: Option<DateTime<Utc>>,
    /// From when on nothing of it is pushed any more, as far as that is known.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// How many targets it was to reach, by the last plan that was applied; nothing in ledgers before version 0.3.
    pub(super) planned: Option<u64>,
    #[serde(skip)]
    pub(super) is_broadcast: bool,
    /// Whether its tasks were deleted before any of them fired: then nobody got it.
    #[serde(skip)]
    pub(super) is_withdrawn_in_time: bool,
}

/// What the ledger has of a campaign revision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OnRecord {
    pub(super) submitted_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) accepted: u64,
    /// Targets that the vendor rejected, or that a verdict says were not sent.
    pub(super) rejected: u64,
    /// Those of them that a verdict says were not sent.
    pub(super) found_not_sent: u64,
    pub(super) in_doubt: u64,
    pub(super) batches: u32,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) content_digest: String,
    pub(super) tasks: Vec<TaskStatus>,
    pub(super) runs: Vec<RunOf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_rejection: Option<RejectionStatus>,
    /// The last verdict that something of it was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_sent_verdict: Option<Ruling>,
    pub(super) doubts: Vec<DoubtStatus>,
}

/// A task that waits at the vendor.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TaskStatus {
    pub(super) task_name: String,
    pub(super) task_id: Option<String>,
    pub(super) targets: u64,
}

/// A run that sent something of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RunOf {
    pub(super) run: String,
    pub(super) started_at: DateTime<Utc>,
    pub(super) actor: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RejectionStatus {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct DoubtStatus {
    pub(super) intent: u64,
    pub(super) at: DateTime<Utc>,
    pub(super) task_name: String,
    pub(super) targets: u64,
    pub(super) why: String,
}

impl CampaignStatus {
    /// Takes what a revision has come to at `now`.
    #[must_use]
    pub fn of(state: &State<'_>, ledger: &Ledger, now: DateTime<Utc>) -> Self {
        let name_and_revision = (state.campaign, state.revision);
        Self {
            standing: StandingStatus::of(state, now),
            on_record: state.history.map(|history| OnRecord::of(name_and_revision, history, ledger, now)),
        }
    }

    /// Takes what the plan says of it, where that is that it waits for others' sake or for the files to change.
    pub fn take_plan(&mut self, change: &ChangeDocument) {
        self.standing.state = match change.kind {
            ChangeKind::Blocked => StateName::Blocked,
            ChangeKind::Held => StateName::Held,
            _ => return,
        };
        self.standing.since = None;
        self.standing.note = Some(change.reason.clone());
    }

    /// Notes that nobody knows whether it will be pushed, as its audience cannot be read.
    pub fn is_unread(&mut self) {
        self.standing.note = Some("its audience cannot be read: `campaignctl validate` says why".to_owned());
    }

    /// Returns the campaign's name and revision.
    #[must_use]
    pub fn name_and_revision(&self) -> (&str, u32) {
        (&self.standing.campaign, self.standing.revision)
    }

    /// Whether the ledger has it.
    #[must_use]
    pub fn is_on_record(&self) -> bool {
        self.on_record.is_some()
    }
}

impl Serialize for CampaignStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a> {
            #[serde(flatten)]
            standing: &'a StandingStatus,
            #[serde(flatten)]
            on_record: &'a Option<OnRecord>,
        }
        Flat { standing: &self.standing, on_record: &self.on_record }.serialize(serializer)
    }
}

impl StandingStatus {
    fn of(state: &State<'_>, now: DateTime<Utc>) -> Self {
        // What the vendor has is what was sent, whatever the files say by now.
        let sent =
            state.history.filter(|history| history.is_sent()).map(|history| history.content.schedule());
        let written = || state.desired.map(|desired| desired.campaign.schedule.clone());
        let schedule = sent.unwrap_or_else(written);
        let times = |after| schedule.iter().flat_map(move |schedule| schedule.firing_times_after(after));
        let is_withdrawn = state.kind == Kind::Closed(Closed::Withdrawn);
        let withdrawn_at = state.history.and_then(|history| history.withdrawn_at).unwrap_or(now);
        let opens_at = match state.kind {
            Kind::Later { opens_at } => Some(opens_at),
            _ => times(now).next().filter(|_| !is_withdrawn),
        };
        let until = times(DateTime::UNIX_EPOCH).last();
        Self {
            campaign: state.campaign.to_string(),
            revision: state.revision.get(),
            state: name(&state.kind),
            since: since(state, until),
            note: note(state),
            next_at: opens_at,
            until,
            ends_at: state.ends_at,
            planned: state.history.and_then(|history| history.planned),
            is_broadcast: is_broadcast(state),
            is_withdrawn_in_time: is_withdrawn && times(DateTime::UNIX_EPOCH).next() > Some(withdrawn_at),
        }
    }
}

fn is_broadcast(state: &State<'_>) -> bool {
    match (state.history, state.desired) {
        (Some(history), _) => history.content.is_broadcast(),
        (None, Some(desired)) => matches!(desired.campaign.recipients, Recipients::Broadcast(_)),
        (None, None) => false,
    }
}

fn name(kind: &Kind) -> StateName {
    match kind {
        Kind::Create | Kind::Add | Kind::Continue => StateName::Due,
        Kind::Later { .. } => StateName::Later,
        Kind::Waiting => StateName::Waiting,
        Kind::UpToDate => StateName::Done,
        Kind::Closed(_) => StateName::Closed,
        Kind::Missed => StateName::Missed,
        Kind::Blocked(_) => StateName::Blocked,
        Kind::Held(_) => StateName::Held,
        Kind::InDoubt => StateName::InDoubt,
    }
}

/// Returns since when it is what it is; nothing where a file decides, which has no times.
fn since(state: &State<'_>, until: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let history = state.history;
    match &state.kind {
        Kind::Waiting => history.and_then(History::first_push),
        Kind::UpToDate => until.or(history.map(|history| history.last_at)),
        Kind::Missed => {
            let ruling = history
                .filter(|history| !history.ruled_out.is_empty())
                .and_then(|history| history.ruling.as_ref());
            state.ends_at.max(ruling.map(|ruling| ruling.at))
        }
        Kind::Closed(Closed::Over) => state.ends_at,
        Kind::Closed(Closed::Withdrawn) => history.and_then(|history| history.withdrawn_at),
        Kind::InDoubt => history?.doubts.first().map(|doubt| doubt.at),
        Kind::Create
        | Kind::Add
        | Kind::Continue
        | Kind::Later { .. }
        | Kind::Blocked(_)
        | Kind::Held(_)
        | Kind::Closed(Closed::ByFile) => None,
    }
}

/// Says what the name of a state leaves open.
fn note(state: &State<'_>) -> Option<String> {
    let why = match &state.kind {
        Kind::Blocked(blocked) => Some(match blocked {
            Blocked::ChangedAfterSend { .. } => "changed after it was sent".to_owned(),
            Blocked::RevisionBehind { latest } => format!("revision {latest} was sent already"),
            Blocked::StillWaiting => "another revision is still scheduled".to_owned(),
            Blocked::Renamed(former) => format!("`{}` said the same", former.campaign),
            Blocked::RepeatTooFar { until, .. } => {
                format!("repeats until {until}, too far ahead for the vendor")
            }
        }),
        Kind::Held(Held::TooManyTasks { .. }) => {
            Some("its tasks do not fit beside those that wait".to_owned())
        }
        Kind::Held(Held::NotReviewed(_)) => Some("not approved as it is".to_owned()),
        Kind::Held(Held::ReviewExpired { .. }) => Some("its approval ended".to_owned()),
        Kind::Held(Held::ApprovalsMissing(_)) => Some("signatures are missing".to_owned()),
        Kind::Closed(Closed::ByFile) => Some("closed in the file".to_owned()),
        Kind::Closed(Closed::Withdrawn) => Some("withdrawn: its tasks were deleted at the vendor".to_owned()),
        Kind::Create
        | Kind::Add
        | Kind::Continue
        | Kind::Later { .. }
        | Kind::Waiting
        | Kind::UpToDate
        | Kind::Closed(Closed::Over)
        | Kind::Missed
        | Kind::InDoubt => None,
    };
    let waits = state.standing.and_then(|standing| {
        let files = match standing {
            Standing::Removed => "no longer in the files",
            Standing::Superseded => "the files have another revision",
            Standing::Changed => "the files say something else",
            Standing::Closed => "the file says that it is closed",
            Standing::Withdrawn => return None,
        };
        Some(format!("{files}, but it waits at the vendor and will still be sent as it was"))
    });
    waits.or(why)
}

impl OnRecord {
    /// Counts those that the vendor rejected.
    pub(super) fn by_vendor(&self) -> u64 {
        self.rejected - self.found_not_sent
    }

    fn of(
        (campaign, revision): (&CampaignId, Revision),
        history: &History,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> Self {
        let [_, (title, body)] = history.content.words();
        let is_withdrawn = history.withdrawn_at.is_some();
        let waits = history.tasks.iter().filter(|task| task.over_at > now && !is_withdrawn);
        let sent_it = |run: &&RunSummary| {
            run.campaigns.iter().any(|(known, sent)| known == campaign && *sent == revision)
        };
        Self {
            title,
            body,
            tasks: waits.map(TaskStatus::of).collect(),
            runs: ledger.runs().iter().filter(sent_it).map(RunOf::of).collect(),
            submitted_at: history.submitted_at,
            last_at: history.last_at,
            accepted: history.accepted.len(),
            rejected: history.rejected.len() as u64,
            found_not_sent: history.ruled_out.len() as u64,
            in_doubt: history.unknown.len() as u64,
            batches: history.batches,
            content_digest: history.digest.to_string(),
            last_rejection: history.last_rejection.as_ref().map(|rejection| RejectionStatus {
                code: rejection.code.clone(),
                message: rejection.message.clone(),
                request_id: rejection.request_id.clone(),
            }),
            not_sent_verdict: history.ruling.clone(),
            doubts: history.doubts.iter().map(DoubtStatus::of).collect(),
        }
    }
}

impl TaskStatus {
    fn of(task: &Task) -> Self {
        Self { task_name: task.name.clone(), task_id: task.id.clone(), targets: task.targets }
    }
}

impl RunOf {
    fn of(run: &RunSummary) -> Self {
        Self { run: run.run.to_string(), started_at: run.started_at, actor: run.actor.clone() }
    }
}

impl DoubtStatus {
    fn of(doubt: &Doubt) -> Self {
        Self {
            intent: doubt.serial.0,
            at: doubt.at,
            task_name: doubt.intent.task_name.clone(),
            targets: doubt.intent.targets.len() as u64,
            why: super::doubt::why(doubt),
        }
    }
}

impl CampaignStatus {
    pub(super) fn name(&self) -> String {
        format!("{}@{}", self.standing.campaign, self.standing.revision)
    }

    /// Returns how many got it, of how many, and what became of the others.
    pub(super) fn people(&self) -> String {
        let Some(record) = &self.on_record else {
            let is_over = matches!(self.standing.state, StateName::Missed | StateName::Closed);
            return if is_over { "none" } else { "none yet" }.to_owned();
        };
        let left = self.standing.left(record);
        let mut people = match record.accepted {
            _ if self.standing.is_withdrawn_in_time => "none".to_owned(),
            0 if record.in_doubt == 0 && left == 0 => "none".to_owned(),
            _ if self.standing.is_broadcast && record.accepted > 0 => "everyone".to_owned(),
            accepted => text::number(accepted),
        };

        if left > 0 {
            let _ = write!(people, " of {}", text::number(record.accepted + record.in_doubt + left));
        }
        let others = [
            (record.in_doubt, "in doubt"),
            (record.by_vendor(), "rejected"),
            (record.found_not_sent, "not sent"),
        ];
        for (count, what) in others {
            if count > 0 {
                let _ = write!(people, ", {} {what}", text::number(count));
            }
        }
        people
    }

    pub(super) fn people_in_words(&self) -> String {
        let people = self.people();
        match people.parse::<u64>() {
            Ok(1) => "1 person".to_owned(),
            _ if people.starts_with(|first: char| first.is_ascii_digit()) && !people.contains(',') => {
                format!("{people} people")
            }
            _ => people,
        }
    }
}

impl StandingStatus {
    /// Counts those that it was planned for, and that are neither accepted nor in doubt.
    pub(super) fn left(&self, record: &OnRecord) -> u64 {
        self.planned.unwrap_or_default().saturating_sub(record.accepted + record.in_doubt)
    }

    /// Returns when it fires for the last time, where that is not the next one.
    pub(super) fn last_of_several(&self) -> Option<DateTime<Utc>> {
        self.until.filter(|until| self.next_at.is_some_and(|next| next < *until))
    }
}

impl StateName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Later => "later",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Missed => "missed",
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::InDoubt => "in doubt",
        }
    }
}
