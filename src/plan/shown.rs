//! People, tasks and times as every view shows them.

use chrono::{DateTime, Offset, Timelike, Utc};
use chrono_tz::Tz;

use crate::diagnostic::number;
use crate::domain::{VENDOR_OFFSET_SECONDS, vendor_zone};

/// Returns how many people: `1 person`, `1 204 people`.
#[must_use]
pub fn people(how_many: u64) -> String {
    format!("{} {}", number(how_many), if how_many == 1 { "person" } else { "people" })
}

/// Returns how many of the vendor's tasks: `1 task`, `1 204 tasks`.
#[must_use]
pub fn tasks(how_many: u64) -> String {
    format!("{} {}", number(how_many), if how_many == 1 { "task" } else { "tasks" })
}

/// Returns a time in a zone, without seconds where they are zero, and beside it in the vendor's where that differs:
/// `2026-12-15 02:00 (09:00 UTC+8)`.
#[must_use]
pub fn time(at: DateTime<Utc>, zone: Tz) -> String {
    let clock = if at.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let (local, vendors) = (at.with_timezone(&zone), at.with_timezone(&vendor_zone()));
    let shown = local.format(&format!("%Y-%m-%d {clock}")).to_string();
    if local.offset().fix().local_minus_utc() == VENDOR_OFFSET_SECONDS {
        return shown;
    }
    let is_same_day = local.date_naive() == vendors.date_naive();
    let format = if is_same_day { clock.to_owned() } else { format!("%Y-%m-%d {clock}") };
    format!("{shown} ({} UTC+8)", vendors.format(&format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_both_zones_where_they_differ() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(time(at("2026-12-15T01:00:00Z"), Tz::Asia__Shanghai), "2026-12-15 09:00");
        assert_eq!(time(at("2026-12-15T01:00:00Z"), Tz::Europe__Berlin), "2026-12-15 02:00 (09:00 UTC+8)");
        let late = "2026-12-15 19:00:01 (2026-12-16 02:00:01 UTC+8)";
        assert_eq!(time(at("2026-12-15T18:00:01Z"), Tz::Europe__Berlin), late);
    }
}
