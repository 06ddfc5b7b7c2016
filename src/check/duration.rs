//! Lengths of time as people write them: `30s`, `2h 30m`, `7d`.

use std::time::Duration;

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadDuration {
    /// No number with a unit.
    #[error("`{0}` is no length of time")]
    Unreadable(String),
    /// Three hundred of what?
    #[error("`{0}` lacks its unit")]
    NoUnit(String),
    /// Nobody knows how many seconds a month or a year has, and `M` is easily meant for minutes.
    #[error("`{0}` counts in months or years, which have no fixed length")]
    Calendar(String),
    /// The vendor counts seconds.
    #[error("`{0}` is no whole number of seconds")]
    Fraction(String),
}

/// Reads a length of time in whole seconds; may be zero.
pub(super) fn seconds(text: &str) -> Result<u64, BadDuration> {
    if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(BadDuration::NoUnit(text.to_owned()));
    }
    let duration: Duration =
        humantime::parse_duration(text).map_err(|_| BadDuration::Unreadable(text.to_owned()))?;
    let mut units = text.split(|c: char| !c.is_alphabetic()).filter(|unit| !unit.is_empty());
    if units.any(|unit| unit == "M" || unit.starts_with("month") || unit.starts_with('y')) {
        return Err(BadDuration::Calendar(text.to_owned()));
    }
    if duration.subsec_nanos() != 0 {
        return Err(BadDuration::Fraction(text.to_owned()));
    }
    // The vendor's `ExpiredSeconds` is a Long (both seed pages).
    match duration.as_secs() {
        seconds if i64::try_from(seconds).is_ok() => Ok(seconds),
        _ => Err(BadDuration::Unreadable(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_whole_seconds() {
        for (text, expected) in
            [("30s", 30), ("5m", 300), ("2h 30m", 9000), ("7d", 604_800), ("1w", 604_800), ("0s", 0)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        assert_eq!(seconds("1500ms"), Err(BadDuration::Fraction("1500ms".to_owned())));
        assert_eq!(seconds("2000ms"), Ok(2));
    }

    #[test]
    fn a_capital_m_is_not_five_months() {
        for text in ["5M", "1month", "2 months", "1y", "1year", "1d 1M"] {
            assert_eq!(seconds(text), Err(BadDuration::Calendar(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_bare_number_has_no_unit() {
        for text in ["300", "0", "00300"] {
            assert_eq!(seconds(text), Err(BadDuration::NoUnit(text.to_owned())), "{text}");
        }
        for text in ["", "soon", "5 parsecs", "-5m", "5m,", "9999999999999999999d", "200000000000000d"] {
            assert_eq!(seconds(text), Err(BadDuration::Unreadable(text.to_owned())), "{text}");
        }
    }
}
