//! Whose clock is right: this machine's, that of whoever wrote the ledger's last record, or the vendor's.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::ledger::Ledger;
use crate::plan::time;
use crate::render::text;

/// How far the clocks of two machines that use one ledger may be apart: the vendor allows them no more.
pub(super) const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(15);

/// How far this machine's clock may be from the vendor's for anything to be written: what is dated further ahead keeps
/// every other machine out of the ledger.
const VENDOR_SLACK: TimeDelta = TimeDelta::days(1);

/// Whether the ledger's last record is still to come by this clock.
fn is_ahead(ledger: &Ledger, now: DateTime<Utc>) -> bool {
    ledger.last_at() > now + CLOCK_SLACK
}

/// Refuses a clock that stands before what the ledger remembers: it would take what is over for still to come. Unless that
/// very date is `named` as wrong.
pub(super) fn prove_not_before(
    ledger: &Ledger,
    now: DateTime<Utc>,
    named: Option<DateTime<Utc>>,
    zone: Tz,
) -> Result<(), Failure> {
    // What is typed has a zone of its own; what is only read is in the project's.
    let (last, shown) = (text::utc(ledger.last_at()), time(ledger.last_at(), zone));
    if let Some(named) = named {
        if is_ahead(ledger, now) && text::utc(named) == last {
            return Ok(());
        }
        let message = format!(
            "`--ledger-ahead` names {}, but the ledger's last record is of {shown}",
            time(named, zone)
        );
        return Err(Failure::new(ExitStatus::Refused, message)
            .help("nothing was sent. It is for a last record of that very time, and only while that is still to come"));
    }
    if !is_ahead(ledger, now) {
        return Ok(());
    }
    let message =
        format!("this machine's clock says {}, but the ledger's last record is of {shown}", time(now, zone));
    Err(Failure::new(ExitStatus::Refused, message).help(format!(
        "nothing was sent. If this clock is wrong, set it. If it is right, the record was written by a wrong one: `campaignctl apply --ledger-ahead {last}` goes on after asking the vendor for the time"
    )))
}

/// Returns what a plan says of a ledger that `apply` will refuse to write to.
pub(super) fn warning(ledger: &Ledger, now: DateTime<Utc>, zone: Tz) -> Option<String> {
    is_ahead(ledger, now).then(|| {
        format!(
            "warning: the ledger's last record is of {}, and this machine's clock says {}: `apply` refuses until one of them is corrected\n",
            time(ledger.last_at(), zone),
            time(now, zone),
        )
    })
}

/// Refuses a clock that is days from the vendor's; `vendor` is nothing where no answer said what that is.
pub(super) fn prove_near(vendor: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: Tz) -> Result<(), Failure> {
    prove_within(VENDOR_SLACK, vendor, now, zone)
}

/// Refuses a clock by which a batch in doubt has another age than by the vendor's: what is not listed would be taken for
/// not sent too early, or looked for at another time.
pub(super) fn prove_ages(vendor: Option<DateTime<Utc>>, now: DateTime<Utc>, zone: Tz) -> Result<(), Failure> {
    prove_within(CLOCK_SLACK, vendor, now, zone)
}

fn prove_within(
    slack: TimeDelta,
    vendor: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<(), Failure> {
    match vendor {
        Some(vendor) if (now - vendor).abs() > slack => Err(differs(vendor, now, zone)),
        Some(_) | None => Ok(()),
    }
}

/// Proves that this clock is right where the ledger's last record says otherwise: only the vendor can tell.
pub(super) fn prove_right(
    vendor: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<(), Failure> {
    match vendor {
        Some(vendor) if (now - vendor).abs() <= CLOCK_SLACK => Ok(()),
        Some(vendor) => Err(differs(vendor, now, zone)),
        None => Err(Failure::new(ExitStatus::Refused, "the vendor did not say what time it is")
            .help("nothing was sent or recorded. `--ledger-ahead` needs the vendor to confirm this machine's clock; try again")),
    }
}

fn differs(vendor: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> Failure {
    let message = format!(
        "this machine's clock says {}, but the vendor's says {}",
        time(now, zone),
        time(vendor, zone)
    );
    Failure::new(ExitStatus::Refused, message).help("nothing was sent or recorded. Set this machine's clock")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_within_a_day_of_the_vendors_is_near_and_within_fifteen_minutes_right() {
        let now = at("2026-11-24T02:00:00Z");
        for (vendor, is_near, is_right) in [
            (None, true, false),
            (Some("2026-11-24T02:15:00Z"), true, true),
            (Some("2026-11-24T01:44:59Z"), true, false),
            (Some("2026-11-25T02:00:00Z"), true, false),
            (Some("2026-11-25T02:00:01Z"), false, false),
            (Some("2026-11-23T01:59:59Z"), false, false),
        ] {
            let vendor = vendor.map(at);
            assert_eq!(prove_near(vendor, now, Tz::UTC).is_ok(), is_near, "{vendor:?}");
            assert_eq!(prove_right(vendor, now, Tz::UTC).is_ok(), is_right, "{vendor:?}");
            assert_eq!(prove_ages(vendor, now, Tz::UTC).is_ok(), is_right || vendor.is_none(), "{vendor:?}");
        }
    }
}
