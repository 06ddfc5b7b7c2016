//! Rules about which call sends a campaign: what one of them has and the other lacks (vendor pages 2871127 and 2871128).

use crate::check::group::Group;
use crate::check::judged::{JudgedAudience, JudgedCampaign};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::CallChoice;

/// `call-mismatch`: `PushTemplate` gives all targets the same values, `PushMultiple` has neither SMS nor Live
/// Activities, and a broadcast has a call of its own.
pub(super) fn call_mismatch(
    out: &mut Vec<Diagnostic>,
    campaign: &JudgedCampaign,
    audience: &JudgedAudience,
    group: Group,
) {
    let view = campaign.view();
    let error = |place, message: &str| Diagnostic::error(Code::CallMismatch, place, message);
    let Group::Targets(kind) = group else {
        if view.call != CallChoice::Auto {
            out.push(
                error(campaign.value(&["call"]), "a broadcast has a call of its own, `PushBroadcast`")
                    .related(audience.key(&["broadcast"]), "the broadcast")
                    .help("remove `call`"),
            );
        }
        return;
    };
    // Where both are there, the SMS is the campaign's own doing; a Live Activity may be the audience's.
    let only_template = if view.has_sms {
        Some(("send an SMS", campaign.key(&["sms"]), "the SMS"))
    } else if view.has_live_activity {
        Some(("change a Live Activity", campaign.key(&["live_activity"]), "the Live Activity"))
    } else if kind.is_live_activity() {
        Some(("change a Live Activity", audience.key(&[kind.as_str()]), "the audience"))
    } else {
        None
    };
    let has_own_values = !view.values_from.is_empty();
    match (view.call, only_template) {
        (CallChoice::Multiple, Some((what, place, noun))) => out.push(
            error(campaign.value(&["call"]), &format!("`PushMultiple` cannot {what}"))
                .related(place, noun)
                .help("remove `call`: the campaign is sent by `PushTemplate`, ten targets a request"),
        ),
        (CallChoice::Template, _) if has_own_values => out.push(
            error(campaign.value(&["call"]), "`PushTemplate` gives all targets the same values")
                .related(campaign.key(&["values_from"]), "each target's own values")
                .help("remove `call`: the campaign is sent by `PushMultiple`"),
        ),
        (CallChoice::Auto, Some((what, place, noun))) if has_own_values => {
            let message = format!("each target's own values need `PushMultiple`, which cannot {what}");
            out.push(
                error(campaign.key(&["values_from"]), &message)
                    .related(place, noun)
                    .help("give all targets the same `values`, or make two campaigns of it"),
            );
        }
        (CallChoice::Auto | CallChoice::Template | CallChoice::Multiple, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, campaign_to, diagnose};

    const ACTIVITY: &str = "live_activity: { event: update, state: { a: 1 } }";
    const SMS: &str = "sms: { strategy: concurrent, sign_name: A, template_code: S, params: {} }";
    const FILE: &str = "users: { file: a.csv, column: id }";

    /// A campaign whose template has `#name#`.
    fn named(audience: &str, extra: &str) -> String {
        diagnose(&campaign_to(audience, extra).replace("body: Body", "body: \"#name#\""))
    }

    #[test]
    fn each_call_can_be_asked_for() {
        for call in ["auto", "template", "multiple"] {
            assert_eq!(diagnose(&campaign(&format!(", call: {call}"))), "", "{call}");
        }
        assert_eq!(diagnose(&campaign(&format!(", call: template, {SMS}"))), "");
        assert_eq!(named(FILE, ", call: multiple, values_from: { name: nick }"), "");
        assert_eq!(named(FILE, ", values_from: { name: nick }"), "");
    }

    #[test]
    fn push_multiple_has_neither_sms_nor_live_activities() {
        insta::assert_snapshot!(diagnose(&campaign(&format!(", call: multiple, {SMS}"))), @r"
        a.yaml:5:72 call-mismatch: `PushMultiple` cannot send an SMS
            a.yaml:5:82 the SMS
            = remove `call`: the campaign is sent by `PushTemplate`, ten targets a request
        ");
        insta::assert_snapshot!(
            diagnose(&campaign_to("live_activities: [x]", &format!(", call: multiple, {ACTIVITY}"))), @r"
        a.yaml:5:72 call-mismatch: `PushMultiple` cannot change a Live Activity
            a.yaml:5:82 the Live Activity
            = remove `call`: the campaign is sent by `PushTemplate`, ten targets a request
        ");
        insta::assert_snapshot!(named(FILE, &format!(", values_from: {{ name: nick }}, {SMS}")), @r"
        a.yaml:5:66 call-mismatch: each target's own values need `PushMultiple`, which cannot send an SMS
            a.yaml:5:95 the SMS
            = give all targets the same `values`, or make two campaigns of it
        ");
    }

    #[test]
    fn push_template_has_no_values_of_a_targets_own() {
        insta::assert_snapshot!(named(FILE, ", call: template, values_from: { name: nick }"), @r"
        a.yaml:5:72 call-mismatch: `PushTemplate` gives all targets the same values
            a.yaml:5:82 each target's own values
            = remove `call`: the campaign is sent by `PushMultiple`
        ");
    }

    #[test]
    fn a_broadcast_has_no_choice() {
        let everyone = "broadcast: { platform: ios, within: 7d }";
        assert_eq!(diagnose(&campaign_to(everyone, ", call: auto")), "");
        insta::assert_snapshot!(diagnose(&campaign_to(everyone, ", call: multiple")), @r"
        a.yaml:5:72 call-mismatch: a broadcast has a call of its own, `PushBroadcast`
            a.yaml:2:19 the broadcast
            = remove `call`
        ");
    }
}
