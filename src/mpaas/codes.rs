//! What the vendor's codes say about a request: taken, not taken, or neither for sure.
//!
//! Two families: the gateway's (`Throttling.User`, `MissingAppId`), which come with an HTTP status of their own,
//! and the push service's (`3022 TEMPLATE_NOT_EXIST`), which come inside an HTTP 200. No page says whether the
//! latter are printed as number or as name, so both are known.

use crate::mpaas::outcome::RejectClass;

/// What a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request was not taken.
    NotTaken(RejectClass),
    /// It may have been taken, or not.
    Doubt,
}

use RejectClass::{Content, Credentials, Throttled};
use Verdict::{Doubt, NotTaken};

/// Result codes of the push service (vendor pages 2871134 and 2882067). The table continues beyond the readable
/// copy of the page, so a code that is not here proves nothing.
const RESULTS: [(i32, &str, Verdict); 39] = [
    (-1, "SIGNATURE_MISMATCH", NotTaken(Credentials)),
    (3001, "NEED_DELIVERYTOKEN", NotTaken(Content)),
    (3002, "NEED_FILE", NotTaken(Content)),
    (3003, "NEED_APPID_WORKSPACEID", NotTaken(Content)),
    (3007, "APPID_WRONG", NotTaken(Content)),
    (3008, "OS_TYPE_NOT_SUPPORTED", NotTaken(Content)),
    (3009, "DELIVERY_TYPE_NOT_SUPPORTED", NotTaken(Content)),
    (3012, "NEED_USERID", NotTaken(Content)),
    (3019, "TASKNAME_NULL", NotTaken(Content)),
    (3020, "EXPIREDSECONDS_WRONG", NotTaken(Content)),
    (3021, "TOKEN_OR_USERID_NULL", NotTaken(Content)),
    (3022, "TEMPLATE_NOT_EXIST", NotTaken(Content)),
    (3023, "TEMPLATEKV_NOT_ENOUGH", NotTaken(Content)),
    (3024, "PAYLOAD_NOT_ENOUGH", NotTaken(Content)),
    (3025, "NEED_TEMPLATE", NotTaken(Content)),
    (3026, "EXPIREDTIME_TOO_LONG", NotTaken(Content)),
    (3028, "INVALID_PARAM", NotTaken(Content)),
    (3029, "SINGLE_PUSH_TARGET_TOO_MUCH", NotTaken(Content)),
    (3030, "BROADCAST_ONLY_SUPPORT_BY_DEVICE", NotTaken(Content)),
    (3031, "REQUEST_SHOULD_BE_UTF8", NotTaken(Content)),
    (3032, "REST_API_SWITCH_NOT_OPEN", NotTaken(Credentials)),
    (3033, "UNKNOWN_REST_SIGN_TYPE", NotTaken(Credentials)),
    (3035, "EXTEND_PARAM_TO_MUCH", NotTaken(Content)),
    (3036, "TEMPLATE_ALREADY_EXIST", NotTaken(Content)),
    (3037, "TEMPLATE_NAME_NULL", NotTaken(Content)),
    (3038, "TEMPLATE_NAME_INVALID", NotTaken(Content)),
    (3039, "TEMPLATE_CONTENT_INVALID", NotTaken(Content)),
    (3040, "TEMPLATE_TITLE_INVALID", NotTaken(Content)),
    (3041, "TEMPLATE_DESC_INFO_INVALID", NotTaken(Content)),
    (3042, "TEMPLATE_URI_INVALID", NotTaken(Content)),
    (3043, "SINGLE_PUSH_CONTENT_TOO_LONG", NotTaken(Content)),
    (3044, "INVALID_EXTEND_PARAM", NotTaken(Content)),
    (3049, "MULTIPLE_INNER_EXTEND_PARAM_TO_MUCH", NotTaken(Content)),
    (3050, "MSG_PAYLOAD_TOO_LONG", NotTaken(Content)),
    (8011, "FLOW_CONTROL_ERROR", NotTaken(Throttled)),
    (8012, "INVALID_INSTANCE_ID", NotTaken(Content)),
    (8013, "INVALID_TENANT_ID", NotTaken(Content)),
    (8014, "ACCOUNT_NO_PERMISSION", NotTaken(Credentials)),
    (9000, "SYSTEM_ERROR", Doubt),
];

/// The message that vendor pages 2871127 and 2871129 print for a refused parameter, without a code beside it.
const PARAM_IS_INVALID: &str = "param is invalid";

/// Returns what a result code says, by number or by name; nothing for one that no page lists.
pub(super) fn of_result(code: &str) -> Option<Verdict> {
    let found: Option<i32> = code.parse().ok();
    RESULTS
        .iter()
        .find(|(number, name, _)| found == Some(*number) || *name == code)
        .map(|(_, _, verdict)| *verdict)
}

/// Returns what a result message says on its own: its first word is a code, or it is a documented sentence.
pub(super) fn of_message(message: &str) -> Option<Verdict> {
    let message = message.trim();
    if message == PARAM_IS_INVALID {
        return Some(NotTaken(Content));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let word = message.split(|c| !is_word(c)).next().expect("a split gives at least one part");
    of_result(word)
}

/// Returns what a gateway code says that came with an HTTP 4xx; nothing for a code of no known family.
///
/// Families are known by their first word (vendor pages 434846 and 435312), since the rest names a parameter, a
/// product or a user. A backend behind the gateway may have codes of its own, so an unknown one proves nothing.
pub(super) fn of_gateway(code: &str) -> Option<Verdict> {
    /// Whose rest is behind a dot, if there is any: `Throttling.User`.
    const DOTTED: [(&str, Verdict); 12] = [
        ("Throttling", NotTaken(Throttled)),
        // The gateway has seen this nonce, and we never use one twice: so it has seen this very request.
        ("SignatureNonceUsed", Doubt),
        ("SignatureDoesNotMatch", NotTaken(Credentials)),
        ("IncompleteSignature", NotTaken(Credentials)),
        ("InvalidAccessKeyId", NotTaken(Credentials)),
        ("InvalidSecurityToken", NotTaken(Credentials)),
        ("InvalidTimeStamp", NotTaken(Credentials)),
        ("MissingAccessKeyId", NotTaken(Credentials)),
        ("MissingSecurityToken", NotTaken(Credentials)),
        ("Forbidden", NotTaken(Credentials)),
        ("NoPermission", NotTaken(Credentials)),
        ("InactiveAccessKey", NotTaken(Credentials)),
    ];
    /// Whose rest is a name: `MissingAppId`, `InvalidApi.NotFound`.
    const NAMING: [&str; 3] = ["Unsupported", "Invalid", "Missing"];
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !code.split('.').all(is_word) {
        return None;
    }
    let first = code.split('.').next().expect("a split gives at least one part");
    let dotted = DOTTED.iter().find(|(family, _)| *family == first).map(|(_, verdict)| *verdict);
    let is_naming = || NAMING.iter().any(|family| first.starts_with(family));
    dotted.or_else(|| is_naming().then_some(NotTaken(Content)))
}

/// Whether a code of either family is about who asks.
pub(super) fn is_about_credentials(code: &str) -> bool {
    [of_gateway(code), of_result(code)].contains(&Some(NotTaken(Credentials)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_code_is_known_by_number_and_by_name() {
        for (number, name, verdict) in RESULTS {
            assert_eq!(of_result(&number.to_string()), Some(verdict), "{number}");
            assert_eq!(of_result(name), Some(verdict), "{name}");
            assert_eq!(of_message(&format!("{name}: some detail")), Some(verdict), "{name}");
        }
    }

    #[test]
    fn a_code_of_no_table_proves_nothing() {
        for code in ["", "OK", "100", "SUCCESS", "3051", "DUPLICATE_MSGKEY", "invalid_param", "3028 "] {
            assert_eq!(of_result(code), None, "{code}");
        }
        for message in ["", "please try again", "busy: INVALID_PARAM", "30280"] {
            assert_eq!(of_message(message), None, "{message}");
        }
        for code in ["", "InternalError", "ServiceUnavailable", "RequestTimeout", "LastTokenProcessing"] {
            assert_eq!(of_gateway(code), None, "{code}");
        }
        // What only begins like one of a family is of none.
        for code in [
            "ThrottlingButDelivered",
            "Throttling.",
            "Throttling..User",
            ".Throttling",
            "Throttling User",
            "Throttling.User, delivered",
            "ForbiddenButDelivered",
            "SignatureDoesNotMatchButDelivered",
            "NoPermissionNeeded",
            "MissingAppId, delivered",
        ] {
            assert_eq!(of_gateway(code), None, "{code}");
        }
    }

    #[test]
    fn the_documented_sentence_is_a_refusal() {
        assert_eq!(of_message("param is invalid"), Some(NotTaken(Content)));
    }

    #[test]
    fn gateway_codes_fall_into_their_families() {
        for (code, verdict) in [
            ("Throttling", NotTaken(Throttled)),
            ("Throttling.User", NotTaken(Throttled)),
            ("Throttling.Api", NotTaken(Throttled)),
            ("SignatureDoesNotMatch", NotTaken(Credentials)),
            ("InvalidAccessKeyId.NotFound", NotTaken(Credentials)),
            ("InvalidTimeStamp.Expired", NotTaken(Credentials)),
            ("InvalidTimeStamp.Format", NotTaken(Credentials)),
            ("Forbidden.RAM", NotTaken(Credentials)),
            ("MissingAppId", NotTaken(Content)),
            ("InvalidApi.NotFound", NotTaken(Content)),
            ("InvalidProduct.NotFound", NotTaken(Content)),
            ("InvalidProtocol.NeedSsl", NotTaken(Content)),
            ("SignatureNonceUsed", Doubt),
        ] {
            assert_eq!(of_gateway(code), Some(verdict), "{code}");
        }
    }
}
