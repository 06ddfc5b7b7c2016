//! Rules about transparent messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::check::declaration::Declaration;
use crate::check::{json, names, wire_text};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{LineFeeds, Transparent, Urgency};
use crate::load::model::{CampaignSyntax, TransparentSyntax, UrgencySyntax};

/// The vendors that take a transparent payload, by YAML key: their wire key (vendor page 2871128), and whether
/// they know an urgency (API page of `PushTemplate`).
const VENDORS: [(&str, &str, bool); 4] = [
    ("huawei", "hms", true),
    ("honor", "honor", true),
    ("fcm", "fcm", false),
    ("harmonyos", "harmonyos", true),
];

type Payload = BTreeMap<String, Map<String, Value>>;

/// Applies the rules of a campaign's transparent message.
pub(super) fn transparent(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &TransparentSyntax,
) -> Option<Transparent> {
    let payload = syntax.payload.as_ref().filter(|payload| !payload.is_empty());
    let Some(payload) = payload else {
        missing_payload(out, declaration, syntax);
        return None;
    };
    let parts = payload_vendors(out, declaration, payload);
    if syntax.urgency.is_some() {
        urgency_vendor(out, declaration, payload);
    }
    Some(Transparent {
        payload: json::object(parts),
        urgency: syntax.urgency.map(|urgency| match urgency {
            UrgencySyntax::High => Urgency::High,
            UrgencySyntax::Normal => Urgency::Normal,
        }),
    })
}

/// `urgency-without-payload`: it has no effect alone; and nothing at all says nothing (`missing-key`).
fn missing_payload(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    syntax: &TransparentSyntax,
) {
    let diagnostic = if syntax.urgency.is_some() {
        let place = declaration.key(&["transparent", "urgency"]);
        Diagnostic::error(Code::UrgencyWithoutPayload, place, "an urgency without a payload has no effect")
    } else {
        let place = declaration.key(&["transparent", "payload"]);
        Diagnostic::error(Code::MissingKey, place, "a transparent message has no payload")
    };
    out.push(diagnostic.help("add `payload` with an object for each vendor, or remove `transparent`"));
}

/// `wrong-value`: the vendors that take a payload are four. Returns the payload by wire key.
fn payload_vendors<'payload>(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    payload: &'payload Payload,
) -> Vec<(&'static str, &'payload Map<String, Value>)> {
    let mut parts = Vec::new();
    for (key, value) in payload {
        if let Some((_, wire_key, _)) = VENDORS.iter().find(|(known, ..)| known == key) {
            // What goes to the app may have lines.
            let place = || declaration.value(&["transparent", "payload", key]);
            wire_text::check_object(out, (key, value), LineFeeds::Allowed, place);
            parts.push((*wire_key, value));
            continue;
        }
        let help = match VENDORS.iter().find(|(_, wire_key, _)| wire_key == key) {
            Some((known, ..)) => format!("write `{known}`: it becomes `{key}` on the wire"),
            None => names::did_you_mean(key, VENDORS.iter().map(|(known, ..)| *known), ""),
        };
        let place = declaration.key(&["transparent", "payload", key]);
        let message = format!("no vendor named `{key}` takes a transparent message");
        out.push(Diagnostic::error(Code::WrongValue, place, message).help(help));
    }
    parts
}

/// `urgency-vendor`: Huawei, Honor and `HarmonyOS` know one; a payload for none of them does not need it.
fn urgency_vendor(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, CampaignSyntax>,
    payload: &Payload,
) {
    let knows = |key: &String| VENDORS.iter().any(|(known, _, knows_urgency)| known == key && *knows_urgency);
    let is_known = |key: &String| VENDORS.iter().any(|(known, ..)| known == key);
    if !payload.keys().any(knows) && payload.keys().all(is_known) {
        let keys: Vec<&str> = payload.keys().map(String::as_str).collect();
        let place = declaration.key(&["transparent", "urgency"]);
        let message = format!("{} does not support an urgency", names::listed(&keys));
        out.push(
            Diagnostic::error(Code::UrgencyVendor, place, message)
                .related(declaration.key(&["transparent", "payload", keys[0]]), "the only payload")
                .help("remove it, or add a payload for `huawei`, `honor` or `harmonyos`, which do"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose};

    fn transparent(entries: &str) -> String {
        diagnose(&campaign(&format!(", transparent: {{ {entries} }}")))
    }

    #[test]
    fn an_urgency_needs_a_payload_for_a_vendor_that_knows_it() {
        assert_eq!(transparent("payload: { fcm: {}, honor: {} }, urgency: high"), "");
        insta::assert_snapshot!(transparent("urgency: high"), @r"
        a.yaml:5:81 urgency-without-payload: an urgency without a payload has no effect
            = add `payload` with an object for each vendor, or remove `transparent`
        ");
        insta::assert_snapshot!(transparent("payload: {}, urgency: high"), @r"
        a.yaml:5:94 urgency-without-payload: an urgency without a payload has no effect
            = add `payload` with an object for each vendor, or remove `transparent`
        ");
        insta::assert_snapshot!(transparent("payload: { fcm: { a: 1 } }, urgency: high"), @r"
        a.yaml:5:109 urgency-vendor: `fcm` does not support an urgency
            a.yaml:5:92 the only payload
            = remove it, or add a payload for `huawei`, `honor` or `harmonyos`, which do
        ");
    }

    #[test]
    fn a_payload_is_for_one_of_four_vendors() {
        insta::assert_snapshot!(transparent(""), @r"
        a.yaml:5:66 missing-key: a transparent message has no payload
            = add `payload` with an object for each vendor, or remove `transparent`
        ");
        insta::assert_snapshot!(transparent("payload: { hms: {}, hauwei: {}, oppo: {} }"), @r"
        a.yaml:5:92 wrong-value: no vendor named `hms` takes a transparent message
            = write `huawei`: it becomes `hms` on the wire
        a.yaml:5:101 wrong-value: no vendor named `hauwei` takes a transparent message
            = did you mean `huawei`?
        a.yaml:5:113 wrong-value: no vendor named `oppo` takes a transparent message
            = there are `huawei`, `honor`, `fcm`, `harmonyos`
        ");
    }
}
