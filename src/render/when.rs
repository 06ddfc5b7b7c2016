//! When a push happens, in words: in the project's time zone, and in the vendor's where that differs.

use chrono::{NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::domain::vendor_zone;
use crate::plan::{ScheduleDocument, time};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Returns when a push happens, in the project's time zone, and in the vendor's where that differs. A plan of somebody else's may
/// name any interval, so it is foreign text.
pub(super) fn when(schedule: &ScheduleDocument, zone: Tz) -> String {
    match schedule {
        ScheduleDocument::Now { not_before, not_after } => {
            let from = not_before.map(|at| format!(", not before {}", time(at, zone))).unwrap_or_default();
            let until = not_after.map(|at| format!(", not after {}", time(at, zone))).unwrap_or_default();
            format!("now{from}{until}")
        }
        ScheduleDocument::Once { at } => time(*at, zone),
        ScheduleDocument::Repeat { every, on, time, from, until } => {
            let days = on.as_ref().map(|days| format!(" on {}", days_of(every, days))).unwrap_or_default();
            let pushes = schedule.days_from(*from);
            format!("every {every}{days} at {}, {from} to {until}", clock(pushes, *time, zone))
        }
    }
}

fn days_of(every: &str, days: &[u8]) -> String {
    let name = |day: &u8| match DAYS.get(usize::from(*day).wrapping_sub(1)) {
        Some(name) if every == "week" => (*name).to_owned(),
        _ => day.to_string(),
    };
    days.iter().map(name).collect::<Vec<_>>().join(",")
}

/// Returns the time of day of a series that is pushed on `days`. What stands still is the vendor's time: a zone's own moves
/// against it with its clock changes, of which only those between two pushes count.
fn clock(days: impl Iterator<Item = NaiveDate>, time: NaiveTime, zone: Tz) -> String {
    let vendors = time.format("%H:%M:%S").to_string();
    let mut locals: Vec<String> = Vec::new();
    for day in days {
        let Some(at) = vendor_zone().from_local_datetime(&day.and_time(time)).single() else { continue };
        let at = at.with_timezone(&zone);
        if at.date_naive() != day {
            // The days that are named are the vendor's.
            return format!("{vendors} UTC+8");
        }
        let local = at.format("%H:%M:%S").to_string();
        if locals.last() != Some(&local) {
            locals.push(local);
        }
    }
    match locals.as_slice() {
        [local] if *local == vendors => vendors,
        [local] => format!("{local} ({vendors} UTC+8)"),
        locals => format!("{vendors} UTC+8 ({})", locals.join(", then ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_of_another_zone_has_the_vendors_time_too() {
        let at = "2026-12-31T17:00:00Z".parse().unwrap();
        let once = |zone| when(&ScheduleDocument::Once { at }, zone);
        assert_eq!(once(chrono_tz::Asia::Shanghai), "2027-01-01 01:00");
        assert_eq!(once(chrono_tz::Asia::Taipei), "2027-01-01 01:00");
        assert_eq!(once(chrono_tz::Etc::GMTPlus8), "2026-12-31 09:00 (2027-01-01 01:00 UTC+8)");
    }

    #[test]
    fn a_series_has_the_time_of_day_of_its_pushes() {
        let series = |every: &str, on: &[u8], time: &str, until: &str, zone: Tz| {
            let on = Some(on.to_vec()).filter(|days| !days.is_empty());
            let (time, from, until) =
                (time.parse().unwrap(), "2026-10-21".parse().unwrap(), until.parse().unwrap());
            when(&ScheduleDocument::Repeat { every: every.to_owned(), on, time, from, until }, zone)
        };
        let berlin = chrono_tz::Europe::Berlin;
        // Clocks there go back on Sunday, 2026-10-25, after the first day and before the first Monday.
        assert_eq!(
            series("week", &[1], "16:00:00", "2026-11-15", berlin),
            "every week on Mon at 09:00:00 (16:00:00 UTC+8), 2026-10-21 to 2026-11-15"
        );
        assert_eq!(
            series("day", &[], "16:00:00", "2026-10-24", berlin),
            "every day at 10:00:00 (16:00:00 UTC+8), 2026-10-21 to 2026-10-24"
        );
        assert_eq!(
            series("month", &[22, 26], "16:00:00", "2026-11-15", berlin),
            "every month on 22,26 at 16:00:00 UTC+8 (10:00:00, then 09:00:00), 2026-10-21 to 2026-11-15"
        );
        assert_eq!(
            series("day", &[], "03:00:00", "2026-10-24", berlin),
            "every day at 03:00:00 UTC+8, 2026-10-21 to 2026-10-24"
        );
        assert_eq!(
            series("day", &[], "09:00:00", "2026-11-15", chrono_tz::Asia::Shanghai),
            "every day at 09:00:00, 2026-10-21 to 2026-11-15"
        );
    }
}
