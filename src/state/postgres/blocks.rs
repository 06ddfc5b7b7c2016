//! The table of blocks.

use std::time::Duration;

use crate::ledger::BlockName;
use crate::state::error::StateErrorKind;
use crate::state::postgres::Database;
use crate::state::remote_blocks::FetchBlocks;

/// How long blocks are asked for while the server does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fetches blocks by their digests.
pub(super) struct BlockTable(pub(super) Database);

impl FetchBlocks for BlockTable {
    fn fetch(&self, wanted: &[BlockName]) -> Result<Vec<Vec<u8>>, StateErrorKind> {
        let digests = wanted.iter().filter_map(|name| hex::decode(&name.digest).ok()).collect();
        let text = "select body from {block} where ledger = $1 and digest = any($2)";
        let rows = self.0.ask(self.0.statement(text)?.row_of_bytes(digests), PATIENCE)?;
        let damaged = |error: tokio_postgres::Error| StateErrorKind::Damaged { why: error.to_string() };
        rows.iter().map(|row| row.try_get(0).map_err(damaged)).collect()
    }
}
