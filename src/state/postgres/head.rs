//! The row of a ledger: who has it, and where its log ends. Every durable step changes it, and only as it was expected to be.

use std::time::Duration;

use serde::Deserialize;
use tokio_postgres::Row;

use crate::ledger::Serial;
use crate::state::candidate::Incumbent;
use crate::state::error::StateErrorKind;
use crate::state::holder::Holder;
use crate::state::lease::Standing;

/// The layout of the tables; goes up with a change that an older version would misread.
const VERSION: i32 = 1;

/// Reads the row of ledger `$1` as one text, and whether the server replays another's log.
pub(super) const READ: &str = "select json_build_object('row', row_to_json(l), 'is_replica', pg_is_in_recovery())::text \
     from {ledger} l where name = $1";

/// Does the same, and waits for a statement that changes it just now.
pub(super) const READ_SETTLED: &str = "with l as (select * from {ledger} where name = $1 for update) \
     select json_build_object('row', row_to_json(l), 'is_replica', pg_is_in_recovery())::text from l";

/// Reads the row, then every step that counts, as they were at one moment.
pub(super) const READ_WITH_STEPS: &str = "select json_build_object('row', row_to_json(l), 'is_replica', \
     pg_is_in_recovery())::text, 0::bigint as place, null::bytea from {ledger} l where name = $1 \
     union all select null, s.first, s.body from {step} s join {ledger} l on l.name = s.ledger and \
     l.generation = s.generation where l.name = $1 order by place";

/// A ledger's row.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Head {
    version: i32,
    pub(super) generation: i64,
    pub(super) epoch: i64,
    pub(super) beat: i64,
    /// Who opened it for writing last.
    holder: Option<Holder>,
    /// Whether that one came to its end.
    closed: bool,
    /// What that one was promised.
    lease_ms: i64,
    /// Whose place was taken without proof of its end, as long as that is not on record.
    pub(super) fenced: Option<Holder>,
    /// Names the statement that began the epoch.
    pub(super) nonce: String,
    tail: i64,
    pub(super) chain: String,
}

#[derive(Deserialize)]
struct Answer {
    row: Head,
    is_replica: bool,
}

impl Head {
    /// Reads the first column of an answer; nothing for a ledger that has no row.
    ///
    /// # Errors
    ///
    /// Returns [`StateErrorKind::Refused`] for a server that only replays another's log, and for tables of a later version.
    pub(super) fn read(rows: &[Row]) -> Result<Option<Self>, StateErrorKind> {
        let Some(row) = rows.first() else { return Ok(None) };
        let damaged = |why: String| StateErrorKind::Damaged { why };
        let text: String = row.try_get(0).map_err(|error| damaged(error.to_string()))?;
        let Answer { row, is_replica } = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("its row cannot be read: {error}")))?;
        if is_replica {
            return Err(StateErrorKind::Refused {
                why: "the server is in recovery: a replica, which may lag behind".to_owned(),
                help: "nothing was sent. Name the primary in `ledger:`".to_owned(),
            });
        }
        if row.version > VERSION {
            return Err(StateErrorKind::Refused {
                why: format!(
                    "its tables have version {}, and this campaignctl reads up to {VERSION}",
                    row.version
                ),
                help: "nothing was sent. Use the version of campaignctl that made them, or a later one"
                    .to_owned(),
            });
        }
        Ok(Some(row))
    }

    /// Returns where the log ends, 0 for a ledger that was never begun.
    pub(super) fn tail(&self) -> Serial {
        Serial(u64::try_from(self.tail).unwrap_or_default())
    }

    /// Returns who has it open for writing.
    pub(super) fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref().filter(|_| !self.closed)
    }

    pub(super) fn incumbent(&self) -> Option<Incumbent<'_>> {
        let lease = Duration::from_millis(u64::try_from(self.lease_ms).unwrap_or_default());
        let sign = format!("{} {} {}", self.epoch, self.beat, self.tail);
        Some(Incumbent { holder: self.holder()?, sign, lease })
    }

    pub(super) fn standing(&self, epoch: i64) -> Standing {
        if self.epoch == epoch {
            return Standing::Holds;
        }
        Standing::Lost(self.holder.clone().map(Box::new))
    }
}

/// Returns a serial as its column has it.
pub(super) fn column(serial: Serial) -> i64 {
    i64::try_from(serial.0).unwrap_or(i64::MAX)
}
