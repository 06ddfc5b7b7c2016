//! Rules about what has to be approved before anything leaves.

use chrono::TimeDelta;

use crate::check::duration;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::{ApprovalRule, ApprovedPushes, ReviewPolicy, is_signer_name};
use crate::load::Document;
use crate::load::model::{ApprovalSyntax, ProjectFile};

/// How long an approval counts where the project does not say: over a weekend's evening, not over a weekend.
const VALID: TimeDelta = TimeDelta::hours(48);

/// Reads how long an approval counts.
pub(super) fn valid(out: &mut Vec<Diagnostic>, document: &Document<ProjectFile>) -> TimeDelta {
    let Some(text) = &document.model().review_valid else { return VALID };
    let span = duration::seconds(text).ok().and_then(|seconds| i64::try_from(seconds).ok());
    // A hundred years and more are no end.
    let span = span.and_then(TimeDelta::try_seconds).filter(|span| *span <= TimeDelta::days(36_500));
    if let Some(span) = span.filter(|span| *span > TimeDelta::zero()) {
        return span;
    }
    let message = format!("`{text}` is no length of time that an approval could count");
    let diagnostic = Diagnostic::error(Code::WrongValue, document.value(&["review_valid"]), message);
    out.push(diagnostic.help("write hours or days, such as `48h` or `7d`"));
    VALID
}

/// Applies the rules of what an environment asks of reviewers.
pub(super) fn read(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    name: &str,
) -> Option<ReviewPolicy> {
    let syntax = &document.model().environments[name];
    if !syntax.approvals.is_empty() && !syntax.require_review {
        let place = document.key(&["environments", name, "approvals"]);
        out.push(
            Diagnostic::error(Code::WrongValue, place, "signatures are of lines that nothing asks for")
                .help("write `require_review: true` beside `approvals`: it is lines of the review lock that are signed"),
        );
        return None;
    }
    let rules = (0..).zip(&syntax.approvals).map(|(at, rule): (usize, _)| {
        let at = at.to_string();
        approval(out, rule, || document.value(&["environments", name, "approvals", &at]))
    });
    // All of them, so that every mistake is told.
    let rules: Vec<Option<ApprovalRule>> = rules.collect();
    let approvals = rules.into_iter().collect::<Option<Vec<_>>>()?;
    Some(ReviewPolicy { is_required: syntax.require_review, approvals })
}

/// `wrong-value`: a rule is about something, and can be met.
fn approval(
    out: &mut Vec<Diagnostic>,
    syntax: &ApprovalSyntax,
    place: impl Fn() -> Place,
) -> Option<ApprovalRule> {
    let mut refuse = |message: String, help: &str| {
        out.push(Diagnostic::error(Code::WrongValue, place(), message).help(help));
        None
    };
    let of_pushes = match (syntax.over, syntax.broadcast) {
        (Some(most), None) => ApprovedPushes::Over(most),
        (None, Some(true)) => ApprovedPushes::Broadcasts,
        _ => {
            return refuse(
                "a rule of approvals is about pushes `over` a number of people, or about a `broadcast`"
                    .to_owned(),
                "write one of `over: 10000` and `broadcast: true`; for both, write two rules",
            );
        }
    };
    if let Some(name) = syntax.of.iter().find(|name| !is_signer_name(name)) {
        return refuse(
            format!("`{name}` cannot name a signer"),
            "write a name of the allowed signers file: letters, digits, `.`, `_`, `@`, `+` and `-`",
        );
    }
    let signers = syntax.signers.unwrap_or(1).max(u32::try_from(syntax.of.len()).unwrap_or(u32::MAX));
    if syntax.signers.is_some_and(|written| written < signers) {
        return refuse(
            format!("`of` names {} signers, and `signers` fewer", syntax.of.len()),
            "raise `signers`, or leave it out",
        );
    }
    Some(ApprovalRule { of_pushes, signers, of: syntax.of.clone() })
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose_files};

    fn said(project: &str, environment: &str) -> String {
        let text = format!(
            "version: 1\nproject: p\n{project}environments:\n  e: {{ app_id: A, workspace_id: w, endpoint: sandbox{environment} }}\n"
        );
        diagnose_files(&[("campaignctl.yaml", text.as_str()), ("a.yaml", &campaign(""))])
    }

    #[test]
    fn an_approval_counts_for_some_time() {
        for sound in ["48h", "7d", "30m"] {
            assert_eq!(said(&format!("review_valid: {sound}\n"), ""), "");
        }
        for wrong in ["0s", "always", "1 month", "99999999999999h"] {
            let said = said(&format!("review_valid: {wrong}\n"), "");
            assert!(said.contains("wrong-value: `"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_rule_of_approvals_is_about_something_and_can_be_met() {
        let rules = |rules: &str| said("", &format!(", require_review: true, approvals: [{rules}]"));
        assert_eq!(rules("{ over: 10000, signers: 2 }, { broadcast: true, of: [marketing, a@b.cn] }"), "");
        for (wrong, what) in [
            ("{ signers: 2 }", "is about pushes `over`"),
            ("{ over: 1, broadcast: true }", "is about pushes `over`"),
            ("{ broadcast: false }", "is about pushes `over`"),
            ("{ over: 1, of: [\"a b\"] }", "`a b` cannot name a signer"),
            ("{ over: 1, of: [\"*\"] }", "`*` cannot name a signer"),
            ("{ over: 1, signers: 1, of: [a, b] }", "`of` names 2 signers"),
        ] {
            assert!(rules(wrong).contains(what), "{wrong}: {}", rules(wrong));
        }
        assert!(
            said("", ", approvals: [{ over: 1 }]").contains("signatures are of lines that nothing asks for")
        );
    }
}
