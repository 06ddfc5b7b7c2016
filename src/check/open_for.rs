//! How long a campaign takes latecomers, as people write it.

use chrono::TimeDelta;

use crate::check::duration;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::OpenFor;

/// `wrong-value`: a length of time that is more than none, or `always`.
pub(super) fn read(out: &mut Vec<Diagnostic>, text: &str, place: impl FnOnce() -> Place) -> Option<OpenFor> {
    if text == "always" {
        return Some(OpenFor::Always);
    }
    let span = duration::seconds(text).ok().and_then(|seconds| i64::try_from(seconds).ok());
    if let Some(span) = span.and_then(TimeDelta::try_seconds).filter(|span| *span > TimeDelta::zero()) {
        return Some(OpenFor::Span(span));
    }
    let message = format!("`{text}` is neither `always` nor a length of time");
    let diagnostic = Diagnostic::error(Code::WrongValue, place(), message);
    out.push(diagnostic.help("write hours or days, such as `24h` or `7d`; or `always`"));
    None
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose, diagnose_files};

    fn now(keys: &str) -> String {
        diagnose(&campaign("").replace("send: now", &format!("send: now, {keys}")))
    }

    #[test]
    fn a_campaign_is_open_for_a_while_or_always() {
        for sound in ["open_for: 24h", "open_for: 2d 12h", "open_for: always"] {
            assert_eq!(now(sound), "");
        }
        for wrong in ["open_for: ever", "open_for: 0s", "open_for: 1 month"] {
            assert!(now(wrong).contains("wrong-value: `"), "{wrong}: {}", now(wrong));
        }
        let project = format!("{}open_for: for_good\n", crate::check::testing::PROJECT);
        let said = diagnose_files(&[("campaignctl.yaml", &project), ("a.yaml", &campaign(""))]);
        assert!(said.contains("wrong-value: `for_good` is neither"), "{said}");
    }

    #[test]
    fn a_window_opens_before_it_closes() {
        let (nine, noon) = ("2026-12-15T09:00:00+08:00", "2026-12-15T12:00:00+08:00");
        assert_eq!(now(&format!("not_before: {nine}, not_after: {noon}")), "");
        let said = now(&format!("not_before: {noon}, not_after: {noon}"));
        assert!(said.contains("wrong-value: `not_after` must be later than `not_before`"), "{said}");
        assert!(now("not_before: tomorrow").contains("bad-time"));
    }

    #[test]
    fn only_what_is_sent_at_once_can_be_reopened() {
        let text = campaign(", open_until: 2026-12-15T09:00:00+08:00");
        assert_eq!(diagnose(&text), "");
        let said = diagnose(&text.replace("send: now", "send: once, at: 2026-12-15T09:00:00+08:00"));
        assert!(said.contains("wrong-value: only what is sent `now` can be reopened"), "{said}");
        assert!(diagnose(&campaign(", open_until: noon")).contains("bad-time"));
    }
}
