//! Opens a ledger and proves that it is the right one, whole.

use std::cell::OnceCell;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::{Endpoint, Environment, LedgerPlace, ProjectName, Secret};
use crate::ledger::{
    self, BlockError, Damage, Destination, Entry, FoldError, Header, Ledger, Lineage, Mark, Record, Serial,
    TakeOver,
};
use crate::state::candidate::Candidate;
use crate::state::error::{StateError, StateErrorKind};
use crate::state::holder::Holder;
use crate::state::store::{Reader, Snapshot, Store, Writer};

/// So many torn copies in a row, and the ledger itself is taken to be broken.
const VIEW_ATTEMPTS_MAX: u32 = 10;
/// How long it is waited until a copy is made again.
const VIEW_POLL: Duration = Duration::from_millis(50);

/// Why an opened store is not the ledger that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum OpenRefused {
    /// The store itself failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A line cannot be trusted.
    #[error("the ledger is damaged")]
    Damaged(#[from] Damage),
    /// The records do not make sense together.
    #[error("the ledger's records contradict each other")]
    Contradiction(#[from] FoldError),
    /// Targets that stand beside the records cannot be trusted.
    #[error("the ledger is damaged")]
    Blocks(#[from] BlockError),
    /// Packing made something else of it.
    #[error("packed, the ledger would not add up to the same")]
    PackedDiffers,
    /// It belongs to something else.
    #[error("the ledger belongs to {what} `{theirs}`, not to `{ours}`")]
    Foreign {
        /// What differs: project, environment, app or workspace.
        what: &'static str,
        /// What the ledger's header has.
        theirs: String,
        /// What the project file has.
        ours: String,
    },
    /// Its pushes went to the sandbox and would go to a host, or the other way round.
    #[error("{}", destinations_in_words(*theirs, endpoint))]
    AnotherDestination {
        /// What took the ledger's pushes.
        theirs: Destination,
        /// Where pushes would go now.
        endpoint: Endpoint,
        /// Whether runs of a version that did not say so may have sent to another destination before.
        is_unsure: bool,
        /// Whether `campaignctl.lock` pins it.
        is_pinned: bool,
    },
    /// Its targets are hashed under a key that is not here.
    #[error("the ledger hashes targets under the key in `{variable}`, and {}", if *.is_set { "another one is set" } else { "it is not set" })]
    NoKey {
        /// The environment variable that the key comes from.
        variable: String,
        /// Whether that has a value.
        is_set: bool,
    },
    /// It goes on in another place.
    #[error("the ledger was moved to `{to}`")]
    Moved {
        /// Where it goes on, as its last record says.
        to: String,
    },
    /// It is not the ledger that `campaignctl.lock` pins.
    #[error("the ledger's lineage is {found}, but `campaignctl.lock` pins {pinned}")]
    AnotherLineage {
        /// Of the ledger that is there.
        found: Lineage,
        /// Of the one that the file names.
        pinned: Lineage,
    },
    /// It was made by a later version of campaignctl.
    #[error("the ledger has format {found}, and this campaignctl reads up to {known}")]
    NewerFormat {
        /// The format that its header says.
        found: u32,
        /// The latest that is read here.
        known: u32,
    },
}

fn destinations_in_words(theirs: Destination, endpoint: &Endpoint) -> String {
    match theirs {
        Destination::Sandbox => {
            format!("the ledger was written at the sandbox, and `endpoint` is `{endpoint}` now")
        }
        Destination::Host => {
            format!("the ledger was written at a real endpoint, and `endpoint` is `{endpoint}` now")
        }
    }
}

/// A ledger at hand: what it adds up to, its lines, and where its chain stands. By default they are held for writing.
pub struct OpenLedger<S = Box<dyn Writer>> {
    /// What the records add up to.
    pub ledger: Ledger,
    /// Its lines: held by this process alone, or a snapshot.
    pub store: S,
    /// Numbers and chains what is appended.
    pub writer: ledger::Writer,
    /// Ends and beginnings of runs: what other machines may remember of this ledger.
    pub marks: Vec<Mark>,
    /// How many records there are.
    pub records: u64,
    /// Those of them that say what was packed.
    pub packed_records: u64,
    /// The last of these, 0 if nothing was packed.
    pub packed_up_to: u64,
}

/// A ledger that is only looked at.
pub type SeenLedger = OpenLedger<Box<dyn Reader>>;

/// Recalls the last record of a ledger that somebody knows to have been written.
pub type Recall<'a> = &'a dyn Fn(&Lineage) -> Option<Mark>;

/// What a ledger is held to.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The project that it must belong to.
    pub project: &'a ProjectName,
    /// The environment that it must belong to, with its app and workspace.
    pub environment: &'a Environment,
    /// The lineage that `campaignctl.lock` pins.
    pub pinned: Option<&'a Lineage>,
    /// What is remembered of it apart from its store.
    pub witness: Option<Recall<'a>>,
    /// Where it may have been moved to already, so that the move can be completed.
    pub moves_to: Option<&'a str>,
    /// Returns the key that an environment variable holds.
    pub key: &'a dyn Fn(&str) -> Option<Secret>,
}

/// Reads a store, proves its chain, its length and whose it is, and folds it.
///
/// # Errors
///
/// Returns [`OpenRefused`] for a store that is damaged, rolled back, of another project, environment, app,
/// workspace or destination, or of another lineage than the pinned one.
pub fn open<S: Reader>(store: S, expected: Expected<'_>) -> Result<OpenLedger<S>, OpenRefused> {
    let place = store.place();
    let mut writer = ledger::Writer::default();
    let mut known_marks: Vec<KnownMark> = Vec::new();
    let own = store.high_water()?.map(|(serial, chain)| Mark { serial, chain });
    known_marks.extend(own.map(|mark| KnownMark { mark, is_own: true }));
    let (mut marks, mut records, mut packed_records, mut packed_up_to) = (Vec::new(), 0, 0, 0);
    let entries = store.lines().map(|line| -> Result<Entry, OpenRefused> {
        let entry = writer.decode(&line?)?;
        records += 1;
        match &entry.record {
            Record::Opened(header) => known_marks.extend(witnessed(expected.witness, &header.lineage)),
            Record::Packed(packed) => {
                known_marks.extend(witnessed(expected.witness, &packed.header.lineage));
                marks.clone_from(&packed.marks);
                marks.push(packed.after.clone());
                for mark in &marks {
                    prove_mark(&known_marks, mark, place)?;
                }
            }
            _ => {}
        }
        if entry.record.is_of_packed() {
            packed_records += 1;
            packed_up_to = entry.serial.0;
        }
        let is_mark = matches!(
            entry.record,
            Record::RunStarted { .. }
                | Record::RunEnded { .. }
                | Record::Verdict { .. }
                | Record::TakenOver { .. }
        );
        if is_mark || known_marks.iter().any(|known| known.mark.serial == entry.serial) {
            let here = Mark { serial: entry.serial, chain: writer.chain().to_string() };
            prove_mark(&known_marks, &here, place)?;
            marks.extend(is_mark.then_some(here));
        }
        Ok(entry)
    });
    let ledger = Ledger::fold_beside(&store.blocks(), entries);
    let known = known_marks.iter().map(|mark| mark.mark.serial).max().unwrap_or_default();
    if known > writer.serial() && !matches!(ledger, Err(OpenRefused::Damaged(_) | OpenRefused::State(_))) {
        return Err(StateErrorKind::RolledBack { found: writer.serial(), known }.at(place).into());
    }
    let ledger = match ledger {
        Err(OpenRefused::Contradiction(FoldError::Empty)) => {
            return Err(StateErrorKind::Missing.at(place).into());
        }
        other => other?,
    };
    let mut ledger = ledger;
    prove_ours(&ledger, expected)?;
    if let Some(note) = &ledger.header().key {
        let (variable, key) = (note.variable.clone(), (expected.key)(&note.variable));
        let is_set = key.is_some();
        if !key.is_some_and(|key| ledger.unlock(&key)) {
            return Err(OpenRefused::NoKey { variable, is_set });
        }
    }
    Ok(OpenLedger { ledger, store, writer, marks, records, packed_records, packed_up_to })
}

/// A record that is known to have been written, and its chain.
struct KnownMark {
    mark: Mark,
    /// The store's own, not this machine's.
    is_own: bool,
}

/// Returns what is remembered of a ledger.
fn witnessed(witness: Option<Recall<'_>>, lineage: &Lineage) -> Option<KnownMark> {
    Some(KnownMark { mark: witness?(lineage)?, is_own: false })
}

/// Refuses a record that is known to have been another.
fn prove_mark(known: &[KnownMark], mark: &Mark, place: &LedgerPlace) -> Result<(), OpenRefused> {
    let other = known.iter().find(|known| known.mark.serial == mark.serial && known.mark.chain != mark.chain);
    match other {
        None => Ok(()),
        Some(other) if other.is_own => Err(Damage::BrokenChain(mark.serial).into()),
        Some(_) => Err(StateErrorKind::Forked { at: mark.serial }.at(place).into()),
    }
}

fn prove_ours(ledger: &Ledger, expected: Expected<'_>) -> Result<(), OpenRefused> {
    let Expected { project, environment, pinned, witness: _, moves_to, key: _ } = expected;
    if let Some(to) = ledger.moved_to().filter(|to| Some(*to) != moves_to) {
        return Err(OpenRefused::Moved { to: to.to_owned() });
    }
    let header = ledger.header();
    let known = crate::ledger::FORMAT_VERSION;
    if header.format > known {
        return Err(OpenRefused::NewerFormat { found: header.format, known });
    }
    let pairs = [
        ("project", header.project.as_str(), project.as_str()),
        ("environment", header.environment.as_str(), environment.name.as_str()),
        ("app", header.app_id.as_str(), environment.app_id.as_str()),
        ("workspace", header.workspace_id.as_str(), environment.workspace_id.as_str()),
    ];
    for (what, theirs, ours) in pairs {
        if theirs != ours {
            return Err(OpenRefused::Foreign { what, theirs: theirs.to_owned(), ours: ours.to_owned() });
        }
    }
    // One that does not say goes on as it did: its next run says.
    if let Some(theirs) =
        ledger.destination().filter(|theirs| *theirs != Destination::at(&environment.endpoint))
    {
        return Err(OpenRefused::AnotherDestination {
            theirs,
            endpoint: environment.endpoint.clone(),
            is_unsure: ledger.has_runs_to_anywhere(),
            is_pinned: pinned.is_some(),
        });
    }
    match pinned {
        Some(pinned) if *pinned != header.lineage => {
            Err(OpenRefused::AnotherLineage { found: header.lineage.clone(), pinned: pinned.clone() })
        }
        _ => Ok(()),
    }
}

/// Opens a ledger to look at it, and proves it. While another run writes to it, that is what it wrote so far; then returns that
/// run, too. What may have been torn in being copied is taken again.
///
/// # Errors
///
/// Returns what [`open`] and [`Store::snapshot`] return.
pub fn view(
    store: &dyn Store,
    reader: &Candidate,
    expected: Expected<'_>,
) -> Result<(SeenLedger, Option<Holder>), OpenRefused> {
    // Asked for once. A writer on this machine may go on between the look at the ledger and the one at what is remembered of
    // it: so a ledger that seems to be behind is looked at again, and held to what was remembered before.
    let remembered: OnceCell<Option<Mark>> = OnceCell::new();
    let recall = |lineage: &Lineage| {
        remembered.get_or_init(|| expected.witness.and_then(|recall| recall(lineage))).clone()
    };
    let expected = Expected { witness: Some(&recall), ..expected };
    let (mut attempts_left, mut was_behind) = (VIEW_ATTEMPTS_MAX, false);
    loop {
        attempts_left -= 1;
        let Snapshot { reader, written_by, may_be_torn } = store.snapshot(reader)?;
        match open(reader, expected) {
            Err(error) if may_be_torn && attempts_left > 0 && error.is_of_torn() => {
                std::thread::sleep(VIEW_POLL);
            }
            Err(error) if !was_behind && error.is_behind() => was_behind = true,
            opened => return Ok((opened?, written_by)),
        }
    }
}

impl OpenRefused {
    /// Whether the ledger ends before what is remembered of it.
    fn is_behind(&self) -> bool {
        matches!(self, Self::State(error) if matches!(error.kind, StateErrorKind::RolledBack { .. }))
    }

    /// Whether it may be said of a copy that was torn.
    fn is_of_torn(&self) -> bool {
        match self {
            Self::State(error) => matches!(
                error.kind,
                StateErrorKind::Damaged { .. }
                    | StateErrorKind::RolledBack { .. }
                    | StateErrorKind::Io { .. }
            ),
            Self::Damaged(_) | Self::Contradiction(_) => true,
            Self::Blocks(_)
            | Self::PackedDiffers
            | Self::Foreign { .. }
            | Self::AnotherDestination { .. }
            | Self::AnotherLineage { .. }
            | Self::Moved { .. }
            | Self::NoKey { .. }
            | Self::NewerFormat { .. } => false,
        }
    }
}

impl OpenLedger {
    /// Appends records behind the last one, in one durable step. What they add up to is not folded in.
    ///
    /// # Errors
    ///
    /// Returns what [`Writer::append`] returns; then nothing more can be appended.
    pub fn append(
        &mut self,
        now: DateTime<Utc>,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<(), StateError> {
        let after = self.writer.serial();
        let lines = records.into_iter().map(|record| self.writer.encode(now, &record)).collect();
        self.store.append(after, lines, self.writer.chain())
    }
}

/// Puts on record from whom a ledger was taken without proof of its end, if it was. Until then each opening does all of it
/// again.
///
/// # Errors
///
/// Returns what the store returns.
pub fn record_take_over(open: &mut OpenLedger, actor: &str, now: DateTime<Utc>) -> Result<(), StateError> {
    let lease = open.store.lease();
    let Some(fenced) = lease.fenced() else { return Ok(()) };
    open.append(now, [Record::TakenOver { from: fenced.to_string(), actor: actor.to_owned() }])?;
    let serial = open.writer.serial();
    open.ledger.take_over(TakeOver { serial, at: now });
    open.marks.push(Mark { serial, chain: open.writer.chain().to_string() });
    open.records += 1;
    lease.take_over_recorded()
}

/// Writes the header of a new ledger into an empty store.
///
/// # Errors
///
/// Returns [`StateErrorKind::Exists`] for a store that has records, [`StateErrorKind::RolledBack`] for one that once
/// had, and what the store itself returns.
///
/// # Panics
///
/// Never: a header alone is a whole ledger.
pub fn create(
    mut store: Box<dyn Writer>,
    header: Header,
    now: DateTime<Utc>,
) -> Result<OpenLedger, OpenRefused> {
    if let Some(line) = store.lines().next() {
        line?;
        return Err(StateErrorKind::Exists.at(store.place()).into());
    }
    if let Some((known, _)) = store.high_water()? {
        return Err(StateErrorKind::RolledBack { found: Serial(0), known }.at(store.place()).into());
    }
    let mut writer = ledger::Writer::default();
    let entry = Entry { serial: Serial(1), at: now, record: Record::Opened(header.clone()) };
    let line = writer.encode(now, &Record::Opened(header));
    store.append(Serial(0), vec![line], writer.chain())?;
    let ledger = Ledger::fold([Ok::<_, FoldError>(entry)]).expect("a header alone is a whole ledger");
    let (marks, records) = (Vec::new(), 1);
    Ok(OpenLedger { ledger, store, writer, marks, records, packed_records: 0, packed_up_to: 0 })
}
