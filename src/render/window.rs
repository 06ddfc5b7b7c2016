//! When a campaign that is sent `now` begins and ends, in words: for whoever explains it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::{Life, OpenFor};
use crate::plan::time;
use crate::render::written::length;

/// Says when an immediate campaign is pushed, as it is at `now`, and for how long to who joins, whom a broadcast does not know:
/// a sentence each, without full stop.
#[must_use]
pub fn window(life: &Life, is_broadcast: bool, now: DateTime<Utc>, zone: Tz) -> Vec<String> {
    if life.is_closed {
        return vec!["never: it is closed in the file".to_owned()];
    }
    let shown = |at| time(at, zone);
    let (opens, stops) = (life.not_before, life.stops_at());
    let when = match (opens, stops) {
        (_, Some(stops)) if stops <= now => {
            return vec![format!("never again: its time ended {}", shown(stops))];
        }
        (None, None) => "at once, when it is applied".to_owned(),
        (None, Some(stops)) => format!("at once, when it is applied until {}", shown(stops)),
        (Some(opens), None) => format!("when it is applied from {} on", shown(opens)),
        (Some(opens), Some(stops)) => {
            format!("when it is applied from {} until {}", shown(opens), shown(stops))
        }
    };
    let late = match life.open_for {
        _ if stops.is_some() || is_broadcast => None,
        OpenFor::Always => Some("whoever joins later gets it too, for good".to_owned()),
        OpenFor::Span(span) => {
            let span = length(span.num_seconds().unsigned_abs());
            Some(format!("whoever joins within {span} of its first push gets it too"))
        }
    };
    std::iter::once(when).chain(late).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(life: &Life) -> String {
        window(life, false, "2026-12-15T02:00:00Z".parse().unwrap(), Tz::Asia__Shanghai).join("; ")
    }

    #[test]
    fn a_window_is_told_with_its_ends_and_with_latecomers() {
        let at = |hour| Some(format!("2026-12-15T{hour:02}:00:00Z").parse::<DateTime<Utc>>().unwrap());
        let life = Life::default();
        let late = "; whoever joins within 24h of its first push gets it too";
        assert_eq!(said(&life), format!("at once, when it is applied{late}"));
        let from = Life { not_before: at(3), ..life };
        assert_eq!(said(&from), format!("when it is applied from 2026-12-15 11:00 on{late}"));
        let window = Life { not_after: at(4), ..from };
        assert_eq!(said(&window), "when it is applied from 2026-12-15 11:00 until 2026-12-15 12:00");
        let until = Life { open_until: at(5), ..life };
        assert_eq!(said(&until), "at once, when it is applied until 2026-12-15 13:00");
        let past = Life { not_after: at(2), ..life };
        assert_eq!(said(&past), "never again: its time ended 2026-12-15 10:00");
        assert_eq!(said(&Life { is_closed: true, ..life }), "never: it is closed in the file");
        let always = Life { open_for: OpenFor::Always, ..life };
        assert!(said(&always).ends_with("; whoever joins later gets it too, for good"));
        for life in [Life::default(), always] {
            let now = "2026-12-15T02:00:00Z".parse().unwrap();
            assert_eq!(super::window(&life, true, now, Tz::Asia__Shanghai), ["at once, when it is applied"]);
        }
    }
}
