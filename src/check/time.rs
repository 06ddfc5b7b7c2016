//! Days and times as people write them.

use chrono::{
    DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

use crate::diagnostic::{Code, Diagnostic, Place};

/// Why a text is no day or time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTime {
    /// No RFC 3339, and no local date and time.
    #[error("`{0}` is not a date and time")]
    UnreadableInstant(String),
    /// A date alone.
    #[error("`{0}` names a day, but no time of day")]
    NoTimeOfDay(String),
    /// Not of the form `2026-12-15`.
    #[error("`{0}` is no date")]
    UnreadableDay(String),
    /// Not of the form `13:45` or `13:45:11`.
    #[error("`{0}` is no time of day")]
    UnreadableTime(String),
    /// The right form, but the calendar or the clock has no such thing.
    #[error("`{0}` does not exist")]
    NotThere(String),
    /// The vendor is accurate to the second.
    #[error("`{0}` is finer than a second")]
    Fraction(String),
    /// A time that clocks skip.
    #[error("`{text}` does not exist in {zone}: clocks skip it")]
    Skipped {
        /// As written.
        text: String,
        /// The project's zone.
        zone: Tz,
    },
    /// A time that clocks show twice.
    #[error("`{text}` happens twice in {zone}: clocks are set back")]
    Twice {
        /// As written.
        text: String,
        /// The project's zone.
        zone: Tz,
        /// The first time.
        first: String,
        /// The second time.
        second: String,
    },
}

impl BadTime {
    fn help(&self) -> String {
        match self {
            Self::UnreadableInstant(_) => {
                "write it as `2026-12-15T09:00:00+08:00`, or without the offset in the project's time zone"
                    .to_owned()
            }
            Self::NoTimeOfDay(text) => format!("add the time, for example `{text}T09:00:00`"),
            Self::UnreadableDay(_) => "write it as `2026-12-15`".to_owned(),
            Self::UnreadableTime(_) => "write it as `\"09:00:00\"` or `\"09:00\"`".to_owned(),
            Self::NotThere(_) => "write a day and time that exist".to_owned(),
            Self::Fraction(_) => "the vendor is accurate to the second: remove the fraction".to_owned(),
            Self::Skipped { .. } => "write another time, or this one with its offset from UTC".to_owned(),
            Self::Twice { first, second, .. } => format!("write which one: `{first}` or `{second}`"),
        }
    }

    /// `bad-time`: a day or time must exist, and once only.
    pub(super) fn report(&self, place: Place) -> Diagnostic {
        Diagnostic::error(Code::BadTime, place, self.to_string()).help(self.help())
    }
}

/// Reads a date and time, with an offset or in `zone`, accurate to the second.
pub(super) fn instant(text: &str, zone: Tz) -> Result<DateTime<Utc>, BadTime> {
    let owned = || text.to_owned();
    if has_shape(text, "dddd-dd-dd") {
        return Err(BadTime::NoTimeOfDay(owned()));
    }
    let (date, rest) = text.split_at_checked(10).ok_or_else(|| BadTime::UnreadableInstant(owned()))?;
    let rest = rest.strip_prefix(['T', 't', ' ']).ok_or_else(|| BadTime::UnreadableInstant(owned()))?;
    let offset_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(offset_at);
    if clock.split_once('.').is_some_and(|(whole, fraction)| {
        has_shape(whole, "dd:dd:dd") && fraction.bytes().all(|b| b.is_ascii_digit())
    }) {
        return Err(BadTime::Fraction(owned()));
    }
    if !(has_shape(date, "dddd-dd-dd") && (has_shape(clock, "dd:dd:dd") || has_shape(clock, "dd:dd"))) {
        return Err(BadTime::UnreadableInstant(owned()));
    }
    let (Ok(date), Ok(clock)) = (day(date), time_of_day(clock)) else {
        return Err(BadTime::NotThere(owned()));
    };
    let local = date.and_time(clock);
    if offset.is_empty() {
        return in_zone(text, local, zone);
    }
    let offset = parse_offset(offset).ok_or_else(|| BadTime::UnreadableInstant(owned()))?;
    match offset.from_local_datetime(&local) {
        LocalResult::Single(at) => Ok(at.with_timezone(&Utc)),
        LocalResult::None | LocalResult::Ambiguous(..) => Err(BadTime::NotThere(owned())),
    }
}

/// Reads `Z` or `+08:00`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("z") {
        return FixedOffset::east_opt(0);
    }
    let digits = text.strip_prefix(['+', '-'])?;
    if !has_shape(digits, "dd:dd") {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 = digits[3..].parse().ok()?;
    let seconds = hours * 3600 + minutes * 60;
    if minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(if text.starts_with('-') { -seconds } else { seconds })
}

fn in_zone(text: &str, local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, BadTime> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Ok(at.with_timezone(&Utc)),
        LocalResult::None => Err(BadTime::Skipped { text: text.to_owned(), zone }),
        LocalResult::Ambiguous(first, second) => Err(BadTime::Twice {
            text: text.to_owned(),
            zone,
            first: first.to_rfc3339(),
            second: second.to_rfc3339(),
        }),
    }
}

/// Reads a day, `2026-12-15`.
pub(super) fn day(text: &str) -> Result<NaiveDate, BadTime> {
    if !has_shape(text, "dddd-dd-dd") {
        return Err(BadTime::UnreadableDay(text.to_owned()));
    }
    text.parse().map_err(|_| BadTime::NotThere(text.to_owned()))
}

/// Reads a time of day, `09:00:00` or `09:00`.
pub(super) fn time_of_day(text: &str) -> Result<NaiveTime, BadTime> {
    let format = match text {
        _ if has_shape(text, "dd:dd:dd") => "%H:%M:%S",
        _ if has_shape(text, "dd:dd") => "%H:%M",
        _ if text.split_once('.').is_some_and(|(whole, _)| has_shape(whole, "dd:dd:dd")) => {
            return Err(BadTime::Fraction(text.to_owned()));
        }
        _ => return Err(BadTime::UnreadableTime(text.to_owned())),
    };
    match NaiveTime::parse_from_str(text, format) {
        // A leap second, which the vendor's milliseconds cannot say.
        Ok(time) if time.nanosecond() >= 1_000_000_000 => Err(BadTime::NotThere(text.to_owned())),
        Ok(time) => Ok(time),
        Err(_) => Err(BadTime::NotThere(text.to_owned())),
    }
}

/// Whether `text` is `shape` with a digit for each `d`.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(b, expected)| match expected {
            b'd' => b.is_ascii_digit(),
            other => b == other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        read_in(text, chrono_tz::Asia::Shanghai)
    }

    fn read_in(text: &str, zone: Tz) -> Result<String, String> {
        instant(text, zone).map(|at| at.to_rfc3339()).map_err(|error| format!("{error} | {}", error.help()))
    }

    #[test]
    fn an_instant_has_an_offset_or_is_in_the_projects_zone() {
        for text in [
            "2026-12-15T09:00:00+08:00",
            "2026-12-15T09:00+08:00",
            "2026-12-15 09:00",
            "2026-12-15T09:00:00",
            "2026-12-15T01:00:00Z",
            "2026-12-14T20:30:00-04:30",
        ] {
            assert_eq!(read(text).as_deref(), Ok("2026-12-15T01:00:00+00:00"), "{text}");
        }
        for text in ["2026-12-15T09:00+08:60", "2026-12-15T09:00+24:00", "2026-12-15T09:00+8:00"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(
            read_in("2026-12-15T09:00", chrono_tz::Europe::Berlin).as_deref(),
            Ok("2026-12-15T08:00:00+00:00")
        );
    }

    #[test]
    fn what_does_not_exist_is_refused_and_told_apart_from_what_cannot_be_read() {
        for text in
            ["2026-02-30T09:00:00", "2026-12-15T24:00:00", "2026-12-31T23:59:60Z", "2026-13-01T00:00:00"]
        {
            assert_eq!(read(text), Err(format!("`{text}` does not exist | write a day and time that exist")));
        }
        for text in [
            "",
            "tomorrow",
            "15.12.2026 09:00",
            "2026-12-15T9:00",
            "2026-12-15T09:00:00+8",
            "2026-12-15T09:00 Asia/Shanghai",
            "十二月十五日",
        ] {
            assert!(read(text).unwrap_err().contains("is not a date and time"), "{text}");
        }
        assert!(read("2026-12-15").unwrap_err().contains("no time of day"));
        assert!(read("2026-12-15T09:00:00.5Z").unwrap_err().contains("finer than a second"));
    }

    #[test]
    fn a_time_that_clocks_skip_or_repeat_is_refused_with_its_readings() {
        insta::assert_snapshot!(
            read_in("2026-03-29T02:30:00", chrono_tz::Europe::Berlin).unwrap_err(),
            @"`2026-03-29T02:30:00` does not exist in Europe/Berlin: clocks skip it | write another time, or this one with its offset from UTC"
        );
        insta::assert_snapshot!(
            read_in("2026-10-25T02:30:00", chrono_tz::Europe::Berlin).unwrap_err(),
            @"`2026-10-25T02:30:00` happens twice in Europe/Berlin: clocks are set back | write which one: `2026-10-25T02:30:00+02:00` or `2026-10-25T02:30:00+01:00`"
        );
    }

    #[test]
    fn a_time_of_day_has_two_or_three_pairs_of_digits() {
        assert_eq!(time_of_day("09:05"), Ok(NaiveTime::from_hms_opt(9, 5, 0).unwrap()));
        assert_eq!(time_of_day("23:59:59"), Ok(NaiveTime::from_hms_opt(23, 59, 59).unwrap()));
        for text in ["9:05", "09", "0905", "09:05 AM", "", "九点"] {
            assert_eq!(time_of_day(text), Err(BadTime::UnreadableTime(text.to_owned())), "{text}");
        }
        for text in ["24:00", "09:60", "23:59:60"] {
            assert_eq!(time_of_day(text), Err(BadTime::NotThere(text.to_owned())), "{text}");
        }
        assert_eq!(time_of_day("09:00:00.5"), Err(BadTime::Fraction("09:00:00.5".to_owned())));
    }
}
