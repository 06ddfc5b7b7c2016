//! Opens a ledger and proves that it is the right one, whole.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::domain::{Endpoint, Environment, ProjectName};
use crate::ledger::{
    BlockError, Damage, Entry, FoldError, Header, Ledger, Lineage, Mark, Receiver, Record, Serial, TakeOver,
    Writer,
};
use crate::state::backend::{Backend, StateError};
use crate::state::lease::Lease;
use crate::state::witness;

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
        /// The ledger's.
        theirs: String,
        /// The project file's.
        ours: String,
    },
    /// Its pushes went to the sandbox and would go to a host, or the other way round.
    #[error("{}", receivers_in_words(*theirs, endpoint))]
    AnotherReceiver {
        /// What took the ledger's pushes.
        theirs: Receiver,
        /// Where pushes would go now.
        endpoint: Endpoint,
        /// Whether runs of a version that did not say so may have sent to another receiver before.
        is_unsure: bool,
        /// Whether `campaignctl.lock` pins it.
        is_pinned: bool,
    },
    /// It is not the ledger that `campaignctl.lock` pins.
    #[error("the ledger's lineage is {found}, but `campaignctl.lock` pins {pinned}")]
    AnotherLineage {
        /// The ledger's.
        found: Lineage,
        /// The pinned one.
        pinned: Lineage,
    },
    /// It was made by a later version of campaignctl.
    #[error("the ledger has format {found}, and this campaignctl reads up to {known}")]
    NewerFormat {
        /// The ledger's.
        found: u32,
        /// Ours.
        known: u32,
    },
}

fn receivers_in_words(theirs: Receiver, endpoint: &Endpoint) -> String {
    match theirs {
        Receiver::Sandbox => {
            format!("the ledger was written at the sandbox, and `endpoint` is `{endpoint}` now")
        }
        Receiver::Host => {
            format!("the ledger was written at a real endpoint, and `endpoint` is `{endpoint}` now")
        }
    }
}

/// A ledger at hand: what it adds up to, the store to append to, and where its chain stands.
pub struct OpenLedger {
    /// What the records add up to.
    pub ledger: Ledger,
    /// The store, held by this process.
    pub backend: Box<dyn Backend>,
    /// Numbers and chains what is appended.
    pub writer: Writer,
    /// Ends and beginnings of runs: what other machines may remember of this ledger.
    pub marks: Vec<Mark>,
    /// How many records there are.
    pub records: u64,
    /// Those of them that say what was packed.
    pub packed_records: u64,
    /// The last of these, 0 if nothing was packed.
    pub packed_up_to: u64,
}

/// What a ledger is held to.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The project that it must belong to.
    pub project: &'a ProjectName,
    /// The environment that it must belong to, with its app and workspace.
    pub environment: &'a Environment,
    /// The lineage that `campaignctl.lock` pins.
    pub pinned: Option<&'a Lineage>,
    /// Where this machine remembers how far its ledgers were.
    pub witness: Option<&'a Path>,
}

/// Reads a store, proves its chain, its length and whose it is, and folds it.
///
/// # Errors
///
/// Returns [`OpenRefused`] for a store that is damaged, rolled back, of another project, environment, app,
/// workspace or receiver, or of another lineage than the pinned one.
pub fn open(backend: Box<dyn Backend>, expected: Expected<'_>) -> Result<OpenLedger, OpenRefused> {
    let path = &expected.environment.ledger;
    let mut writer = Writer::default();
    let mut known_marks: Vec<KnownMark> = Vec::new();
    known_marks.extend(backend.high_water()?.map(|(serial, chain)| KnownMark::new(serial, chain, true)));
    let (mut marks, mut records, mut packed_records, mut packed_up_to) = (Vec::new(), 0, 0, 0);
    let entries = backend.lines().map(|line| -> Result<Entry, OpenRefused> {
        let entry = writer.decode(&line?)?;
        records += 1;
        match &entry.record {
            Record::Opened(header) => known_marks.extend(witnessed(expected.witness, &header.lineage)),
            Record::Packed(packed) => {
                known_marks.extend(witnessed(expected.witness, &packed.header.lineage));
                marks.clone_from(&packed.marks);
                marks.push(packed.after.clone());
                for mark in &marks {
                    prove_mark(&known_marks, mark, path)?;
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
            prove_mark(&known_marks, &here, path)?;
            marks.extend(is_mark.then_some(here));
        }
        Ok(entry)
    });
    let ledger = Ledger::fold_beside(&backend.blocks(), entries);
    let known = known_marks.iter().map(|mark| mark.mark.serial).max().unwrap_or_default();
    if known > writer.serial() && !matches!(ledger, Err(OpenRefused::Damaged(_) | OpenRefused::State(_))) {
        return Err(StateError::RolledBack { path: path.clone(), found: writer.serial(), known }.into());
    }
    let ledger = match ledger {
        Err(OpenRefused::Contradiction(FoldError::Empty)) => {
            return Err(StateError::Missing(path.clone()).into());
        }
        other => other?,
    };
    prove_ours(&ledger, expected)?;
    Ok(OpenLedger { ledger, backend, writer, marks, records, packed_records, packed_up_to })
}

/// A record that is known to have been written, and its chain.
struct KnownMark {
    mark: Mark,
    /// The store's own, not this machine's.
    is_own: bool,
}

impl KnownMark {
    fn new(serial: Serial, chain: String, is_own: bool) -> Self {
        Self { mark: Mark { serial, chain }, is_own }
    }
}

/// Returns what this machine remembers of a ledger.
fn witnessed(directory: Option<&Path>, lineage: &Lineage) -> Option<KnownMark> {
    let (serial, chain) = witness::recall(directory?, lineage)?;
    Some(KnownMark::new(serial, chain, false))
}

/// Refuses a record that is known to have been another.
fn prove_mark(known: &[KnownMark], mark: &Mark, path: &Path) -> Result<(), OpenRefused> {
    let other = known.iter().find(|known| known.mark.serial == mark.serial && known.mark.chain != mark.chain);
    match other {
        None => Ok(()),
        Some(other) if other.is_own => Err(Damage::BrokenChain(mark.serial).into()),
        Some(_) => Err(StateError::Forked { path: path.to_owned(), at: mark.serial }.into()),
    }
}

fn prove_ours(ledger: &Ledger, expected: Expected<'_>) -> Result<(), OpenRefused> {
    let Expected { project, environment, pinned, witness: _ } = expected;
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
    if let Some(theirs) = ledger.receiver().filter(|theirs| *theirs != Receiver::at(&environment.endpoint)) {
        return Err(OpenRefused::AnotherReceiver {
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

/// Puts on record from whom `lease` took a ledger without proof of its end, if it did. Until then each opening does all of it
/// again.
///
/// # Errors
///
/// Returns what the store returns.
pub fn record_take_over(
    open: &mut OpenLedger,
    lease: &Lease,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<(), StateError> {
    let Some(fenced) = lease.fenced() else { return Ok(()) };
    let record = Record::TakenOver { from: fenced.to_string(), actor: actor.to_owned() };
    let (serial, line) = open.writer.encode(now, &record);
    open.backend.append(vec![(serial, line)], open.writer.chain())?;
    open.ledger.take_over(TakeOver { serial, at: now });
    open.marks.push(Mark { serial, chain: open.writer.chain().to_string() });
    open.records += 1;
    lease.take_over_recorded()
}

/// Writes the header of a new ledger into an empty store at `path`.
///
/// # Errors
///
/// Returns [`StateError::Exists`] for a store that has records, [`StateError::RolledBack`] for one that once
/// had, and what the store itself returns.
///
/// # Panics
///
/// Never: a header alone is a whole ledger.
pub fn create(
    mut backend: Box<dyn Backend>,
    header: Header,
    path: &Path,
    now: DateTime<Utc>,
) -> Result<OpenLedger, OpenRefused> {
    if let Some(line) = backend.lines().next() {
        line?;
        return Err(StateError::Exists(path.to_owned()).into());
    }
    if let Some((known, _)) = backend.high_water()? {
        return Err(StateError::RolledBack { path: path.to_owned(), found: Serial(0), known }.into());
    }
    let mut writer = Writer::default();
    let entry = Entry { serial: Serial(1), at: now, record: Record::Opened(header.clone()) };
    let line = writer.encode(now, &Record::Opened(header));
    backend.append(vec![line], writer.chain())?;
    let ledger = Ledger::fold([Ok::<_, FoldError>(entry)]).expect("a header alone is a whole ledger");
    let (marks, records) = (Vec::new(), 1);
    Ok(OpenLedger { ledger, backend, writer, marks, records, packed_records: 0, packed_up_to: 0 })
}
