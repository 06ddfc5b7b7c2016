//! From when on it may be said of a batch in doubt that it was not sent.

use chrono::{DateTime, TimeDelta, Utc};

use crate::apply::send::DEPARTURE_MAX;
use crate::ledger::{Ledger, Serial};

/// How long the vendor may take a request after it was signed: its gateway allows for clocks that are 15 minutes apart (vendor
/// page 435312), and one that is that much fast signs for another 15.
const TAKEN_MAX: TimeDelta = TimeDelta::minutes(30);

/// Returns from when on it may be said of an intent that it was not sent; nothing where only its own age counts.
///
/// Of a writer from which the ledger was taken without proof of its end nobody knows when it stopped: it may wake up with a
/// request that it was about to send. It begins none more than two minutes late, and none that it signs after it was fenced.
#[must_use]
pub fn not_sent_from(ledger: &Ledger, intent: Serial) -> Option<DateTime<Utc>> {
    let fenced_at = ledger.fenced_at(intent)?;
    Some(fenced_at.checked_add_signed(DEPARTURE_MAX + TAKEN_MAX).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LedgerSalt;
    use crate::ledger::{Entry, FORMAT_VERSION, FoldError, Header, Lineage, Record, TakeOver};

    fn ledger(at: DateTime<Utc>) -> Ledger {
        let header = Header {
            format: FORMAT_VERSION,
            lineage: Lineage::new(uuid::Uuid::from_u128(1)),
            salt: LedgerSalt::new([1; 16]),
            project: "p".parse().unwrap(),
            environment: "e".parse().unwrap(),
            app_id: "A".into(),
            workspace_id: "w".into(),
            destination: None,
            key: None,
        };
        let opened = Entry { serial: Serial(1), at, record: Record::Opened(header) };
        Ledger::fold([Ok::<_, FoldError>(opened)]).unwrap()
    }

    #[test]
    fn what_a_fenced_writer_intended_may_leave_for_two_minutes_and_be_taken_for_thirty_more() {
        let at = DateTime::UNIX_EPOCH;
        let mut ledger = ledger(at);
        assert_eq!(not_sent_from(&ledger, Serial(3)), None);
        ledger.take_over(TakeOver { serial: Serial(5), at });
        assert_eq!(not_sent_from(&ledger, Serial(3)), Some(at + TimeDelta::minutes(2 + 30)));
        assert_eq!(not_sent_from(&ledger, Serial(6)), None);
    }
}
