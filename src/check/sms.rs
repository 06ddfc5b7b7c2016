//! Rules about an SMS beside a push.

use crate::check::declaration::Declaration;
use crate::check::{names, wire_text};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{LineFeeds, Sms, SmsStrategy};
use crate::load::model::{CampaignSyntax, SmsStrategySyntax, SmsSyntax};

/// Applies the rules of a campaign's SMS.
pub(super) fn sms(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &SmsSyntax,
) -> Option<Sms> {
    sms_incomplete(out, declaration, syntax);
    for (key, text) in [("sign_name", &syntax.sign_name), ("template_code", &syntax.template_code)] {
        if let Some(text) = text {
            wire_text::check(out, key, text, || declaration.value(&["sms", key]));
        }
    }
    for (key, text) in syntax.params.iter().flatten() {
        let place = || declaration.value(&["sms", "params", key]);
        wire_text::check_control(out, (key, text), LineFeeds::Refused, place);
    }
    Some(Sms {
        strategy: match syntax.strategy {
            SmsStrategySyntax::Supplement => SmsStrategy::Supplement,
            SmsStrategySyntax::Concurrent => SmsStrategy::Concurrent,
        },
        sign_name: syntax.sign_name.clone()?,
        template_code: syntax.template_code.clone()?,
        params: syntax.params.clone()?,
    })
}

/// `sms-incomplete`: with any strategy, the vendor requires the other three (API page of `PushTemplate`).
fn sms_incomplete(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &SmsSyntax,
) {
    let missing: Vec<&str> = [
        ("sign_name", syntax.sign_name.is_none()),
        ("template_code", syntax.template_code.is_none()),
        ("params", syntax.params.is_none()),
    ]
    .into_iter()
    .filter_map(|(key, is_missing)| is_missing.then_some(key))
    .collect();
    if missing.is_empty() {
        return;
    }
    let help = if missing == ["params"] {
        "add `params: {}` if the SMS template takes none".to_owned()
    } else {
        "add what the SMS console shows; `params: {}` if the SMS template takes none".to_owned()
    };
    let message = format!("an SMS needs {}", names::listed(&missing));
    out.push(Diagnostic::error(Code::SmsIncomplete, declaration.key(&["sms"]), message).help(help));
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    #[test]
    fn an_sms_needs_its_signature_template_and_params() {
        let sms = |entries: &str| diagnose(&campaign(&format!(", sms: {{ strategy: supplement{entries} }}")));
        assert_eq!(sms(", sign_name: 阿克米, template_code: SMS_1, params: {}"), "");
        insta::assert_snapshot!(sms(""), @r"
        a.yaml:5:66 sms-incomplete: an SMS needs `sign_name`, `template_code`, `params`
            = add what the SMS console shows; `params: {}` if the SMS template takes none
        ");
        insta::assert_snapshot!(sms(", sign_name: A, template_code: SMS_1"), @r"
        a.yaml:5:66 sms-incomplete: an SMS needs `params`
            = add `params: {}` if the SMS template takes none
        ");
        insta::assert_snapshot!(sms(", sign_name: \"A \", template_code: SMS_1, params: {}"), @r"
        a.yaml:5:106 wrong-value: `sign_name` ends with white space: U+0020
            = remove it: it would be sent
        ");
        insta::assert_snapshot!(sms(", sign_name: A, template_code: SMS_1, params: { code: \"1\\e2\" }"), @r"
        a.yaml:5:147 wrong-value: `code` contains the control character U+001B
            = remove it: it would be sent
        ");
    }
}
