//! The blocks of what is packed: found by their digests in an index, and read out of bundles, neighbours together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::ledger::{BlockName, Blocks};
use crate::state::error::StateErrorKind;
use crate::state::objects::client::Client;
use crate::state::objects::log::Log;
use crate::state::objects::pack::{Digest, Location, Pack, decode_index, digest_of};
use crate::state::objects::session::Session;
use crate::state::objects::trouble::Trouble;
use crate::state::remote_blocks::{FetchBlocks, RemoteBlocks};

/// Bytes that nobody asked for, and that are read rather than asked around.
const GAP_BYTES_MAX: u32 = 128 << 10;
/// Bytes that are read in one piece.
const PIECE_BYTES_MAX: u32 = 4 << 20;

/// Where the blocks are, by their digests.
pub(super) type Index = BTreeMap<Digest, Location>;

/// Blocks of one pack.
pub(super) struct BundledBlocks {
    session: Arc<Session>,
    pack: Arc<Pack>,
    /// Read when the first block is asked for.
    index: Mutex<Option<Arc<Index>>>,
}

/// Returns what reads the blocks of a log.
pub(super) fn of(session: &Arc<Session>, log: &Log) -> Arc<dyn Blocks> {
    Arc::new(RemoteBlocks::new(&session.place, bundled(session, log), session.cache()))
}

/// Does the same from the bucket alone.
pub(super) fn stored(session: &Arc<Session>, log: &Log) -> Arc<dyn Blocks> {
    Arc::new(RemoteBlocks::new(&session.place, bundled(session, log), None))
}

fn bundled(session: &Arc<Session>, log: &Log) -> BundledBlocks {
    let pack = log.packed.as_ref().map(|(_, pack)| Arc::clone(pack)).unwrap_or_default();
    BundledBlocks { session: Arc::clone(session), pack, index: Mutex::new(None) }
}

/// Returns what reads the blocks of a pack that is being written, from the bucket alone: it is read to prove it.
pub(super) fn drafted(session: &Arc<Session>, pack: Arc<Pack>, index: Index) -> Arc<dyn Blocks> {
    let index = Mutex::new(Some(Arc::new(index)));
    let blocks = BundledBlocks { session: Arc::clone(session), pack, index };
    Arc::new(RemoteBlocks::new(&session.place, blocks, None))
}

/// Reads the index of a pack.
pub(super) fn read_index(session: &Session, pack: &Pack) -> Result<Index, StateErrorKind> {
    let Some(part) = &pack.index else { return Ok(Index::new()) };
    let damaged = |why: String| StateErrorKind::Damaged { why };
    let bytes = part.prove(session.get(part.key.clone())?).map_err(damaged)?;
    Ok(decode_index(&bytes).map_err(damaged)?.into_iter().collect())
}

impl BundledBlocks {
    fn index(&self) -> Result<Arc<Index>, StateErrorKind> {
        let mut index = self.index.lock().expect("no holder of this lock panics");
        match &*index {
            Some(index) => Ok(Arc::clone(index)),
            None => Ok(Arc::clone(index.insert(Arc::new(read_index(&self.session, &self.pack)?)))),
        }
    }
}

impl FetchBlocks for BundledBlocks {
    fn fetch(&self, wanted: &[BlockName]) -> Result<Vec<Vec<u8>>, StateErrorKind> {
        let index = self.index()?;
        let found = wanted.iter().filter_map(|name| index.get(&digest_of(&name.digest)?).copied());
        let pieces: Vec<(String, Piece)> = pieces(found.collect())
            .into_iter()
            .filter_map(|piece| Some((self.pack.bundles.get(piece.bundle as usize)?.clone(), piece)))
            .collect();
        Ok(self.session.run(|client| async move { read(&client, pieces).await })?)
    }
}

/// Bytes of a bundle, and the blocks in them.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    bundle: u32,
    bytes: Range<u32>,
    blocks: Vec<Location>,
}

/// Puts neighbours together.
fn pieces(mut locations: Vec<Location>) -> Vec<Piece> {
    locations.sort_unstable_by_key(|location| (location.bundle, location.offset));
    let mut pieces: Vec<Piece> = Vec::new();
    for location in locations {
        let Location { bundle, offset, length } = location;
        let end = offset.saturating_add(length);
        match pieces.last_mut() {
            Some(piece)
                if piece.bundle == bundle
                    && offset <= piece.bytes.end.saturating_add(GAP_BYTES_MAX)
                    && end - piece.bytes.start <= PIECE_BYTES_MAX =>
            {
                piece.bytes.end = piece.bytes.end.max(end);
                piece.blocks.push(location);
            }
            _ => pieces.push(Piece { bundle, bytes: offset..end, blocks: vec![location] }),
        }
    }
    pieces
}

async fn read(client: &Arc<Client>, pieces: Vec<(String, Piece)>) -> Result<Vec<Vec<u8>>, Trouble> {
    let mut reading = JoinSet::new();
    for (key, piece) in pieces {
        let client = Arc::clone(client);
        reading.spawn(async move { (client.get_range(&key, piece.bytes.clone()).await, piece) });
    }
    let mut blocks = Vec::new();
    while let Some(read) = reading.join_next().await {
        let (bytes, piece) = read.expect("reading does not panic");
        // One that is gone was packed anew: whoever wants it is told that it is not there.
        if let Some(bytes) = bytes? {
            blocks.extend(piece.blocks.iter().filter_map(|block| cut(&bytes, piece.bytes.start, *block)));
        }
    }
    Ok(blocks)
}

fn cut(bytes: &Bytes, start: u32, block: Location) -> Option<Vec<u8>> {
    let from = (block.offset - start) as usize;
    Some(bytes.get(from..from + block.length as usize)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_read_together_and_no_piece_is_long() {
        let at = |bundle, offset| Location { bundle, offset, length: 6_400 };
        let found = pieces(vec![at(1, 0), at(0, 12_800), at(0, 0), at(0, 6_400), at(0, 1 << 20)]);
        let ranges: Vec<_> = found.iter().map(|piece| (piece.bundle, piece.bytes.clone())).collect();
        assert_eq!(ranges, [(0, 0..19_200), (0, 1 << 20..(1 << 20) + 6_400), (1, 0..6_400)]);
        assert_eq!(found[0].blocks.len(), 3);
        let long = pieces((0..2_000).map(|number| at(0, number * 6_400)).collect());
        assert!(long.len() > 1 && long.iter().all(|piece| piece.bytes.len() <= PIECE_BYTES_MAX as usize));
        assert_eq!(long.iter().map(|piece| piece.blocks.len()).sum::<usize>(), 2_000);
    }
}
