//! A ledger in memory: gone with the process. For tests, and for looking at an exported ledger.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::ledger::{BlockBytes, BlockError, BlockPlace, Blocks, Chain, Serial};
use crate::state::backend::{Backend, Lines, StateError};
use crate::state::lease::Lease;

/// Lines in memory; clones share them, as two processes share a directory.
#[derive(Clone, Debug, Default)]
pub struct MemoryBackend(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: Vec<Vec<u8>>,
    blocks: BTreeMap<BlockPlace, Vec<u8>>,
}

const UNPOISONED: &str = "no holder of this lock panics";

impl Backend for MemoryBackend {
    fn lines(&self) -> Lines<'_> {
        let lines = self.0.lock().expect(UNPOISONED).lines.clone();
        Box::new(lines.into_iter().map(Ok))
    }

    fn append(&mut self, lines: Vec<(Serial, Vec<u8>)>, _: Chain) -> Result<(), StateError> {
        self.0.lock().expect(UNPOISONED).lines.extend(lines.into_iter().map(|(_, line)| line));
        Ok(())
    }

    fn lease(&self) -> Arc<Lease> {
        Lease::sole()
    }

    fn high_water(&self) -> Result<Option<(Serial, String)>, StateError> {
        Ok(None)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(self.clone())
    }

    fn put_blocks(&mut self, serial: Serial, blocks: Vec<Vec<u8>>) -> Result<(), StateError> {
        let places = (0..).map(|index| BlockPlace { serial, index });
        self.0.lock().expect(UNPOISONED).blocks.extend(places.zip(blocks));
        Ok(())
    }

    fn draft(&self) -> Result<Box<dyn Backend>, StateError> {
        Ok(Box::new(Self::default()))
    }

    fn supersede(self: Box<Self>, draft: Box<dyn Backend>) -> Result<Box<dyn Backend>, StateError> {
        let lines: Vec<Vec<u8>> = draft.lines().collect::<Result<_, _>>()?;
        let mut blocks = BTreeMap::new();
        for line in &lines {
            // Blocks are asked for by the records that name them; nobody else knows their places.
            let Some(serial) = serial_of(line) else { continue };
            for index in 0.. {
                let place = BlockPlace { serial, index };
                let Ok(block) = draft.blocks().block(place) else { break };
                blocks.insert(place, (*block).as_ref().to_vec());
            }
        }
        *self.0.lock().expect(UNPOISONED) = Kept { lines, blocks };
        Ok(self)
    }
}

fn serial_of(line: &[u8]) -> Option<Serial> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        serial: Serial,
    }
    serde_json::from_slice::<Numbered>(line).ok().map(|numbered| numbered.serial)
}

impl Blocks for MemoryBackend {
    fn block(&self, place: BlockPlace) -> Result<BlockBytes, BlockError> {
        let kept = self.0.lock().expect(UNPOISONED);
        let block = kept.blocks.get(&place).cloned();
        let block = block.ok_or_else(|| BlockError::Unreadable(place.serial, "it is not there".into()))?;
        Ok(Box::new(block))
    }
}
