//! One campaign's change: what is to happen, to whom, and why.

use chrono::{DateTime, NaiveDate, Utc};

use crate::diff::counts::TargetCounts;
use crate::diff::renamed::Former;
use crate::domain::{Call, CampaignId, Recipients, Revision, RowSeal, Schedule, TargetSet};
use crate::ledger::{Content, ContentDigest, Rejection, Ruling};
use crate::resolve::{DesiredCampaign, WidestValues};

/// A series that begins later than it says, since its first time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateStart {
    /// The time that has passed.
    pub first: DateTime<Utc>,
    /// The first time that is still to come.
    pub next: DateTime<Utc>,
}

/// Why a campaign must not be sent as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It was sent, at least in part, with other content.
    ChangedAfterSend {
        /// What was sent.
        sent: Content,
        /// When it was first sent.
        sent_at: DateTime<Utc>,
    },
    /// A later revision was sent already.
    RevisionBehind {
        /// The latest revision that was sent.
        latest: Revision,
    },
    /// Another revision waits at the vendor and will be sent as well: to the same people, for all that is known.
    StillWaiting,
    /// It was never sent, and a campaign that is gone from the files already said the same to some of its targets.
    Renamed(Former),
    /// The vendor does not plan that far ahead yet.
    RepeatTooFar {
        /// The last day as written, in UTC+8.
        until: NaiveDate,
        /// The last day that the vendor takes today, in UTC+8.
        last: NaiveDate,
    },
}

/// Why a campaign is held: nothing is wrong with it, but it has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Its tasks are more than the vendor keeps beside those that it has.
    TooManyTasks {
        /// Tasks that it would become, one for each request.
        needed: u64,
        /// Tasks that wait, or would wait once what comes before it was pushed.
        taken: u64,
        /// What the vendor keeps for the account.
        most: u64,
    },
    /// Nobody approved it as it is.
    NotReviewed(NotReviewed),
    /// It was approved, and the approval came to its end.
    ReviewExpired {
        /// When.
        at: DateTime<Utc>,
    },
    /// It was approved, and too few signed that.
    ApprovalsMissing(ApprovalsMissing),
}

/// Why a push is not what was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReviewed {
    /// The review lock has no line of this revision.
    NoLine,
    /// Its line says something else.
    Differs(Vec<&'static str>),
    /// It would go to more people than were approved, whoever they are.
    TooMany {
        /// To how many it would have gone in all.
        people: u64,
        /// How many were approved.
        most: u64,
    },
}

/// Which signatures of an approved line are not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalsMissing {
    /// Who signed, each with a key of its own.
    pub signed: Vec<String>,
    /// How many have to.
    pub signers: u32,
    /// Who has to be among them and is not.
    pub absent: Vec<String>,
    /// Signatures that are there and do not count, each with the reason.
    pub unproven: Vec<String>,
}

/// Why nothing of a campaign is pushed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Its time is over, and everybody of that time got it.
    Over,
    /// The file says `closed`.
    ByFile,
    /// A person deleted its tasks at the vendor.
    Withdrawn,
}

/// What is to happen to a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was never sent, and is pushed.
    Create,
    /// Everybody that it was planned for got it, and is pushed to who joined since.
    Add,
    /// It is pushed to the rest of those that it was planned for.
    Continue,
    /// Its window opens later.
    Later {
        /// When, later than now.
        opens_at: DateTime<Utc>,
    },
    /// Every target was accepted, and the vendor has it for a time to come.
    Waiting,
    /// Every target was accepted.
    UpToDate,
    /// Nothing is pushed any more, and nobody was missed.
    Closed(Closed),
    /// Its time passed with people unsent.
    Missed,
    /// Nothing is pushed until the files change.
    Blocked(Blocked),
    /// Nothing is pushed for now.
    Held(Held),
    /// Nothing can be pushed, and of at least one target nobody knows.
    InDoubt,
}

impl Kind {
    /// Whether something is pushed.
    #[must_use]
    pub fn is_push(&self) -> bool {
        matches!(self, Self::Create | Self::Add | Self::Continue)
    }
}

/// How a revision that waits at the vendor stands to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The files have no such campaign any more.
    Removed,
    /// The files have it in another revision.
    Superseded,
    /// The files have the revision with other content.
    Changed,
    /// The files have the revision, and say that the campaign is closed.
    Closed,
    /// The files say, or the ledger does, that its tasks were deleted at the vendor.
    Withdrawn,
}

/// A campaign revision that the vendor took for a time that is still to come. There is no call that takes it back, so it
/// will be sent whatever becomes of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its campaign, which the files may no longer have.
    pub campaign: CampaignId,
    /// Which revision of it: not always the one of the files.
    pub revision: Revision,
    /// What kind of targets: an audience's key, or `broadcast`.
    pub recipients: String,
    /// When it is sent.
    pub schedule: Schedule,
    /// Targets whose push the vendor took, or may have taken.
    pub targets: u64,
    /// Those of `targets` of which nobody knows.
    pub in_doubt: u64,
    /// How it stands to the files.
    pub standing: Standing,
    /// Requests that it took: each accepted one is a task, one that was refused is none.
    pub requests: u64,
}

/// One campaign, compared with the ledger.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The campaign as the files say.
    pub desired: &'a DesiredCampaign,
    /// The digest of its content.
    pub digest: ContentDigest,
    /// The call that carries it, chosen by the size of its whole audience.
    pub call: Call,
    /// The digest of its whole audience, in the order in which it is listed.
    pub audience_digest: [u8; 32],
    /// The rows that its targets' own values stand in, sealed.
    pub seal: Option<RowSeal>,
    /// SHA-256 of the file that its targets' own values stand in.
    pub values_digest: Option<[u8; 32]>,
    /// How long its targets' own values are where they make its texts the widest.
    pub widest: Option<WidestValues>,
    /// Its targets, counted.
    pub counts: TargetCounts,
    /// What is to happen.
    pub kind: Kind,
    /// Who is to get a push now: empty unless [`Kind::is_push`].
    pub to_push: TargetSet,
    /// When it is pushed, as the vendor is told: a series that began begins today for who joins it.
    pub push_schedule: Schedule,
    /// From when on nothing of it is pushed; nothing if that is not known yet, or never.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was first pushed.
    pub first_push: Option<DateTime<Utc>>,
    /// How many targets it is to reach in all, those of earlier runs included.
    pub planned: u64,
    /// Whether the content is another than the one that was sent.
    pub is_edited: bool,
    /// Whether the ledger has this very content as the one that this revision sends, to as many.
    pub is_submitted: bool,
    /// Revisions that the files say were withdrawn and the ledger does not, lowest first.
    pub to_withdraw: Vec<Revision>,
    /// What said the same under a name that is gone from the files, and is over.
    pub former: Option<Former>,
    /// The highest batch number so far; 0 if this revision was never sent.
    pub batches_so_far: u32,
    /// What the vendor said last when it rejected a batch of this revision.
    pub last_rejection: Option<Rejection>,
    /// The last verdict that something of this revision was not sent.
    pub ruling: Option<Ruling>,
    /// What is pushed begins later than it says.
    pub late_start: Option<LateStart>,
    /// Until when its approval counts, where that ends: a guard says so.
    pub approved_until: Option<DateTime<Utc>>,
    /// The lowest revision above all that the files and the ledger have: the one to raise it to.
    pub next_revision: Revision,
    /// What waits at the vendor of this campaign and is not what the files say, lowest revision first.
    pub waiting: Vec<Waiting>,
}

impl Change<'_> {
    /// Returns since when people were missed: the end of its time, or when it was found out after that, that some of them did
    /// not get it.
    #[must_use]
    pub fn missed_at(&self) -> Option<DateTime<Utc>> {
        let ruling = self.ruling.as_ref().filter(|_| self.counts.ruled_out > 0);
        (self.kind == Kind::Missed).then(|| self.ends_at.max(ruling.map(|ruling| ruling.at))).flatten()
    }

    /// Counts those that were sent to, where none of them is listed any more: the list may be another one. A list of one
    /// person is replaced as it is.
    #[must_use]
    pub fn replaced(&self) -> Option<u64> {
        let TargetCounts { audience, accepted, in_doubt, unsent, .. } = self.counts;
        let is_listed = matches!(self.desired.campaign.recipients, Recipients::Targets(_));
        Some(accepted + in_doubt).filter(|sent| is_listed && *sent > 1 && audience > 0 && unsent == audience)
    }
}

impl<'a> Change<'a> {
    /// Counts the requests that leave for it.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.to_push.len().div_ceil(self.call.targets_max()) as u64
    }

    /// Returns the revisions that the files say were withdrawn and the ledger does not.
    pub fn withdrawals(&self) -> impl Iterator<Item = (&'a CampaignId, Revision)> {
        self.to_withdraw.iter().map(|revision| (&self.desired.campaign.id, *revision))
    }
}
