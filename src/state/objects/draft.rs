//! What shall stand in the stead of a log's steps: written beside the log, and switched to by one object at its end.
//!
//! Afterwards it removes what neither it nor the pack before it needs, and never an object at which an epoch began: a writer
//! that stands still since then would create it anew, and be told that it did.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::domain::LedgerPlace;
use crate::ledger::{BlockName, Blocks, Chain, Serial};
use crate::state::error::{StateError, StateErrorKind};
use crate::state::objects::beside::newest_key;
use crate::state::objects::blocks::{self, Index};
use crate::state::objects::client::Client;
use crate::state::objects::decide::Decided;
use crate::state::objects::frame::{End, Kind, pack_lines};
use crate::state::objects::hold::Hold;
use crate::state::objects::log::slot_key;
use crate::state::objects::pack::{Location, Pack, Part, digest_of, encode_index};
use crate::state::objects::session::{Session, Source};
use crate::state::objects::tail::Piece;
use crate::state::objects::trouble::Trouble;
use crate::state::probe::Point;
use crate::state::store::{Draft, Lines, Reader, Writer};

/// Bytes of one bundle of blocks.
const BUNDLE_BYTES: usize = 8 << 20;
/// Bytes of lines, before they are packed, that go into one object.
const RECORDS_BYTES: usize = 4 << 20;
/// Longest that what nobody needs any more is removed for: the rest stays, and does no harm.
const TIDYING: Duration = Duration::from_mins(1);
/// Objects that are removed at a time.
const PARALLEL: usize = 16;

/// Makes a writer of a hold.
pub(super) type Succeed = fn(Hold) -> Box<dyn Writer>;

/// A draft, and the hold on the log whose place it shall take.
pub(super) struct ObjectsDraft {
    /// There until it is in place.
    hold: Option<Hold>,
    succeed: Succeed,
    session: Arc<Session>,
    /// The last record of the log when it was begun.
    after: Serial,
    /// What was packed before.
    previous: Option<Arc<Pack>>,
    /// What is there before, in words, where it is kept.
    keeps: Option<String>,
    parts: Mutex<Parts>,
}

/// What was written so far.
struct Parts {
    directory: String,
    end: End,
    pack: Pack,
    lines: Vec<Vec<u8>>,
    lines_bytes: usize,
    bundle: Vec<u8>,
    index: Index,
    /// Blocks that stand in bundles of what was packed before, once that was looked up.
    known: Option<Index>,
    /// Keys of this draft alone.
    written: Vec<String>,
    /// It counts, or may.
    is_in_place: bool,
}

impl ObjectsDraft {
    /// Begins one that follows what the log holds.
    pub(super) fn of(hold: Hold, succeed: Succeed) -> Self {
        let (removable, previous) =
            hold.tail.log(|log| (log.removable(), log.packed.as_ref().map(|(_, pack)| Arc::clone(pack))));
        let keeps_before = previous.as_ref().map_or(0, |pack| pack.keeps_before);
        let pack = Pack { superseded: removable, keeps_before, ..Pack::default() };
        Self::begin((hold, succeed), previous, pack, None)
    }

    /// Begins one in the stead of whatever is there, which is kept.
    pub(super) fn anew(hold: Hold, succeed: Succeed, keeps: Option<String>) -> Self {
        let epoch = hold.tail.log(|log| log.epoch);
        Self::begin((hold, succeed), None, Pack { keeps_before: epoch, ..Pack::default() }, keeps)
    }

    fn begin(
        (hold, succeed): (Hold, Succeed),
        previous: Option<Arc<Pack>>,
        pack: Pack,
        keeps: Option<String>,
    ) -> Self {
        let (slot, after) = hold.tail.log(|log| (log.next, log.end.last));
        let parts = Parts {
            directory: format!("pack/{slot:020}-{}", Uuid::new_v4().simple()),
            end: End::default(),
            pack,
            lines: Vec::new(),
            lines_bytes: 0,
            bundle: Vec::new(),
            index: Index::new(),
            known: None,
            written: Vec::new(),
            is_in_place: false,
        };
        let session = Arc::clone(&hold.session);
        Self { hold: Some(hold), succeed, session, after, previous, keeps, parts: Mutex::new(parts) }
    }

    fn hold(&self) -> &Hold {
        self.hold.as_ref().expect("it is there until the draft is in place")
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().expect("no holder of this lock panics")
    }

    fn put_in_place(&self) -> Result<(), StateErrorKind> {
        let session = &self.session;
        let pass = || {
            let undecided = |error: std::io::Error| StateErrorKind::Undecided { source: error.into() };
            session.probe.pass(Point::Replacing).map_err(undecided)
        };
        let mut parts = self.parts();
        parts.seal_lines(session)?;
        parts.seal_bundle(session)?;
        if !parts.index.is_empty() {
            let index = encode_index(parts.index.iter());
            parts.pack.index = Some(parts.write(session, "index", index)?);
        }
        pass()?;
        let body = serde_json::to_vec(&parts.pack).expect("it is plain JSON");
        let body = pack_lines([body.as_slice()].into_iter())
            .map_err(|error| StateErrorKind::Unreachable { source: error.into() })?;
        let end = parts.end.clone();
        // From here on nothing of it may be removed: whatever is said of that object, it may be there. What is of no use then
        // goes with the next pack.
        parts.is_in_place = true;
        self.hold().step(self.after, |log| {
            let opened = log.open.clone().ok_or(StateErrorKind::Fenced { by_whom: None })?;
            Ok(Piece { kind: Kind::Packed { opened }, end: Some(end), body })
        })?;
        pass()?;
        let pack = parts.pack.clone();
        drop(parts);
        self.tidy(&pack);
        Ok(())
    }

    /// Notes where what is packed stands, and removes what only the pack before the one before needed: whoever still reads
    /// what was there until now, may go on.
    fn tidy(&self, pack: &Pack) {
        let session = &self.session;
        let slot = self.hold().tail.log(|log| log.packed.as_ref().map_or(0, |(slot, _)| *slot));
        let within = session.client.timing.step;
        // Without that note a reader lists more.
        if session.decide(newest_key(slot), Bytes::from_static(b"\n"), within).is_err() {
            return;
        }
        let Some(previous) = &self.previous else { return };
        let after = format!("pack/{:020}", pack.keeps_before);
        let listed = session.run(|client| async move {
            let objects = client.list("pack/", Some(&after), usize::MAX).await?;
            let notes = client.list("newest/", Some(&newest_key(slot)), usize::MAX).await?;
            Ok::<_, Trouble>((objects, notes))
        });
        let Ok((objects, notes)) = listed else { return };
        // A beat that counts proves that nobody had taken over when that was listed: so nobody else's draft is among them.
        if self.hold().beats().is_err() {
            return;
        }
        let needed: Vec<&str> = pack.keys().chain(previous.keys()).collect();
        let objects = objects.into_iter().filter(|key| is_part(key) && !needed.contains(&key.as_str()));
        let notes = notes.into_iter().filter(|key| is_note(key));
        let slots = previous.superseded.iter().flat_map(|(first, last)| *first..=*last).map(slot_key);
        let useless = objects.chain(notes).chain(slots).collect();
        session.run(|client| remove(client, useless));
    }
}

/// Whether a key is one that a draft writes: somebody else's objects may lie below the same prefix, even another ledger.
fn is_part(key: &str) -> bool {
    let name = || {
        let (directory, name) = key.strip_prefix("pack/")?.split_once('/')?;
        let (slot, nonce) = directory.split_once('-')?;
        let is_hex = |text: &str| text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
        (is_number(slot, 20) && nonce.len() == 32 && is_hex(nonce)).then_some(name)
    };
    name().is_some_and(|name| {
        let numbered = |kind: &str| name.strip_prefix(kind).is_some_and(|number| is_number(number, 5));
        name == "index" || numbered("records-") || numbered("blocks-")
    })
}

/// Whether a key is one that notes where something packed stands.
fn is_note(key: &str) -> bool {
    key.strip_prefix("newest/").is_some_and(|slot| is_number(slot, 20))
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() >= digits && text.bytes().all(|c| c.is_ascii_digit())
}

/// Removes objects, as far as that goes.
async fn remove(client: Arc<Client>, keys: Vec<String>) {
    let removing = async {
        let (mut keys, mut running) = (keys.into_iter(), JoinSet::new());
        loop {
            while running.len() < PARALLEL
                && let Some(key) = keys.next()
            {
                let client = Arc::clone(&client);
                running.spawn(async move { client.delete(&key).await });
            }
            match running.join_next().await {
                // Who may not, may not.
                None | Some(Ok(Err(Trouble::Refused(_)))) => return,
                Some(_) => {}
            }
        }
    };
    drop(tokio::time::timeout(TIDYING, removing).await);
}

impl Parts {
    fn write(&mut self, session: &Session, name: &str, body: Bytes) -> Result<Part, StateErrorKind> {
        let key = format!("{}/{name}", self.directory);
        let part = Part::of(key.clone(), &body);
        self.written.push(key.clone());
        match session.decide(key, body, session.client.timing.step * 2)? {
            Decided::Ours => Ok(part),
            Decided::Theirs(_) => {
                Err(StateErrorKind::Damaged { why: format!("`{}` is there already", part.key) })
            }
        }
    }

    fn seal_lines(&mut self, session: &Session) -> Result<(), StateErrorKind> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let body = pack_lines(self.lines.iter().map(Vec::as_slice))
            .map_err(|error| StateErrorKind::Unreachable { source: error.into() })?;
        let part = self.write(session, &format!("records-{:05}", self.pack.records.len()), body)?;
        self.pack.records.push(part);
        self.lines.clear();
        self.lines_bytes = 0;
        Ok(())
    }

    /// Writes the bundle that is being filled; those of packs before are named where they are used first.
    fn seal_bundle(&mut self, session: &Session) -> Result<(), StateErrorKind> {
        if self.bundle.is_empty() {
            return Ok(());
        }
        let body = Bytes::copy_from_slice(&self.bundle);
        // Its place was taken when it was begun.
        let number = self.filling();
        let part = self.write(session, &format!("blocks-{number:05}"), body)?;
        self.pack.bundles[number as usize] = part.key;
        self.bundle.clear();
        Ok(())
    }

    /// Returns the number of the bundle that is being filled.
    fn filling(&mut self) -> u32 {
        let found = self.pack.bundles.iter().position(String::is_empty);
        let number = found.unwrap_or_else(|| {
            self.pack.bundles.push(String::new());
            self.pack.bundles.len() - 1
        });
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    fn put(
        &mut self,
        session: &Session,
        previous: Option<&Pack>,
        block: &[u8],
    ) -> Result<(), StateErrorKind> {
        let digest = digest_of(&BlockName::of(block).digest).expect("a name has a digest");
        if self.index.contains_key(&digest) {
            return Ok(());
        }
        if self.known.is_none() {
            self.known = Some(previous.map_or(Ok(Index::new()), |pack| blocks::read_index(session, pack))?);
        }
        let known = self.known.as_ref().and_then(|known| known.get(&digest)).copied();
        if let (Some(location), Some(previous)) = (known, previous)
            && let Some(key) = previous.bundles.get(location.bundle as usize)
        {
            let found = self.pack.bundles.iter().position(|bundle| bundle == key);
            let number = found.unwrap_or_else(|| {
                self.pack.bundles.push(key.clone());
                self.pack.bundles.len() - 1
            });
            let bundle = u32::try_from(number).unwrap_or(u32::MAX);
            self.index.insert(digest, Location { bundle, ..location });
            return Ok(());
        }
        let (bundle, offset) = (self.filling(), u32::try_from(self.bundle.len()).unwrap_or(u32::MAX));
        let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
        self.index.insert(digest, Location { bundle, offset, length });
        self.bundle.extend_from_slice(block);
        if self.bundle.len() >= BUNDLE_BYTES { self.seal_bundle(session) } else { Ok(()) }
    }
}

impl Drop for ObjectsDraft {
    fn drop(&mut self) {
        let mut parts = self.parts();
        if !parts.is_in_place {
            let written = std::mem::take(&mut parts.written);
            drop(parts);
            self.session.run(|client| remove(client, written));
        }
    }
}

impl Reader for ObjectsDraft {
    fn place(&self) -> &LedgerPlace {
        &self.session.place
    }

    fn lines(&self) -> Lines<'_> {
        let mut parts = self.parts();
        if let Err(kind) = parts.seal_lines(&self.session) {
            return Box::new(std::iter::once(Err(kind.at(self.place()))));
        }
        let sources = parts.pack.records.iter().cloned().map(Source::Packed).collect();
        self.session.lines_of(sources)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        let mut parts = self.parts();
        // What could not be written cannot be read either.
        drop(parts.seal_bundle(&self.session));
        blocks::drafted(&self.session, Arc::new(parts.pack.clone()), parts.index.clone())
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        let End { last, chain } = self.parts().end.clone();
        Ok((last > Serial(0)).then_some((last, chain)))
    }
}

impl Draft for ObjectsDraft {
    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, chain: Chain) -> Result<(), StateError> {
        let Some((last, _)) = lines.last() else { return Ok(()) };
        let mut parts = self.parts();
        parts.end = End { last: *last, chain: chain.to_string() };
        parts.lines_bytes += lines.iter().map(|(_, line)| line.len()).sum::<usize>();
        parts.lines.extend(lines.into_iter().map(|(_, line)| line));
        if parts.lines_bytes < RECORDS_BYTES {
            return Ok(());
        }
        self.session.at(parts.seal_lines(&self.session))
    }

    fn put_blocks(&mut self, _: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError> {
        let (session, mut parts) = (&self.session, self.parts());
        let put = blocks.iter().try_for_each(|block| parts.put(session, self.previous.as_deref(), block));
        session.at(put)
    }

    fn keeps(&self) -> Option<String> {
        self.keeps.clone()
    }

    fn replace(self: Box<Self>) -> Result<Box<dyn Writer>, StateError> {
        let mut draft = self;
        draft.session.at(draft.put_in_place())?;
        Ok((draft.succeed)(draft.hold.take().expect("it was not taken before")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_draft_writes_is_removed() {
        let directory = format!("pack/{:020}-{}", 7, Uuid::nil().simple());
        for name in ["index", "records-00000", "blocks-00012", "blocks-100000"] {
            assert!(is_part(&format!("{directory}/{name}")), "{name}");
        }
        assert!(is_note(&newest_key(7)));
        let strangers =
            ["pack/log/00000000000000000001", "pack/holiday-photos.zip", "pack/newest/00000000000000000001"];
        let near = ["/index/index", "/index.bak", "/records-0", "/records-00000.gz", "/blocks-"];
        for key in
            strangers.map(str::to_owned).into_iter().chain(near.map(|name| format!("{directory}{name}")))
        {
            assert!(!is_part(&key), "{key}");
        }
        assert!(!is_note("newest/zz-report.csv") && !is_note("newest/1"));
    }
}
