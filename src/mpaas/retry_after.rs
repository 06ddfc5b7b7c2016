//! How long a reply asks to wait.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

/// The gateway's own header, in milliseconds.
const ACS_RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

/// Returns how long the headers ask to wait: milliseconds of the gateway's own header, else seconds or a date, which is
/// counted from the reply's own date, or from `now` without one.
pub(super) fn retry_after(headers: &HeaderMap, now: impl FnOnce() -> DateTime<Utc>) -> Option<Duration> {
    let number = |name: &HeaderName, seconds: f64| {
        let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    };
    let until = || {
        let until = date(headers.get(RETRY_AFTER)?)?;
        let from = headers.get(DATE).and_then(date).unwrap_or_else(now);
        (until - from).to_std().ok()
    };
    number(&ACS_RETRY_AFTER, 0.001).or_else(|| number(&RETRY_AFTER, 1.0)).or_else(until)
}

/// Reads a date, in any of the forms that HTTP has (RFC 9110, 5.6.7).
pub(super) fn date(value: &HeaderValue) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(value.to_str().ok()?.trim()).ok().map(DateTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        retry_after(&headers.collect(), || "2026-11-24T02:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_milliseconds_in_the_gateways_own_header() {
        let milliseconds = |count| Some(Duration::from_millis(count));
        for (name, value, wait) in [
            ("retry-after", "3", milliseconds(3000)),
            ("retry-after", " 0 ", milliseconds(0)),
            ("retry-after", "1.5", milliseconds(1500)),
            ("retry-after", "Tue, 24 Nov 2026 02:00:07 GMT", milliseconds(7000)),
            ("retry-after", "Tuesday, 24-Nov-26 02:00:07 GMT", milliseconds(7000)),
            ("retry-after", "Tue Nov 24 02:00:07 2026", milliseconds(7000)),
            ("retry-after", "Tue, 24 Nov 2026 01:59:59 GMT", None),
            ("x-acs-retry-after", "1500", milliseconds(1500)),
            ("x-acs-retry-after", "0.5", Some(Duration::from_micros(500))),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "1e300", None),
            ("retry-after", "soon", None),
        ] {
            assert_eq!(asked(&[(name, value)]), wait, "{name}: {value}");
        }
    }

    #[test]
    fn a_date_is_counted_from_the_replys_own() {
        let (date, until) = ("Tue, 24 Nov 2026 09:00:00 GMT", "Tue, 24 Nov 2026 09:00:20 GMT");
        assert_eq!(asked(&[("date", date), ("retry-after", until)]), Some(Duration::from_secs(20)));
    }

    #[test]
    fn the_gateways_own_header_comes_first_where_it_can_be_read() {
        let wait = |own| asked(&[("retry-after", "9"), ("x-acs-retry-after", own)]);
        assert_eq!(wait("250"), Some(Duration::from_millis(250)));
        assert_eq!(wait("later"), Some(Duration::from_secs(9)));
    }
}
