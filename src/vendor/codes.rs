//! The vendor's codes, and what they mean for a request.
//!
//! Sources: MPS result codes, vendor page 2871134; gateway errors, the tables of the same gateway on pages
//! 434846 and 435312. A code that is in neither table says nothing certain.

use crate::vendor::RejectClass;

/// The result codes of the push service that say that nothing was taken, with their names: whether a reply
/// holds the number or the name is not documented, so both are known.
const REFUSED: [(&str, &str); 38] = [
    ("-1", "SIGNATURE_MISMATCH"),
    ("3001", "NEED_DELIVERYTOKEN"),
    ("3002", "NEED_FILE"),
    ("3003", "NEED_APPID_WORKSPACEID"),
    ("3007", "APPID_WRONG"),
    ("3008", "OS_TYPE_NOT_SUPPORTED"),
    ("3009", "DELIVERY_TYPE_NOT_SUPPORTED"),
    ("3012", "NEED_USERID"),
    ("3019", "TASKNAME_NULL"),
    ("3020", "EXPIREDSECONDS_WRONG"),
    ("3021", "TOKEN_OR_USERID_NULL"),
    ("3022", "TEMPLATE_NOT_EXIST"),
    ("3023", "TEMPLATEKV_NOT_ENOUGH"),
    ("3024", "PAYLOAD_NOT_ENOUGH"),
    ("3025", "NEED_TEMPLATE"),
    ("3026", "EXPIREDTIME_TOO_LONG"),
    ("3028", "INVALID_PARAM"),
    ("3029", "SINGLE_PUSH_TARGET_TOO_MUCH"),
    ("3030", "BROADCAST_ONLY_SUPPORT_BY_DEVICE"),
    ("3031", "REQUEST_SHOULD_BE_UTF8"),
    ("3032", "REST_API_SWITCH_NOT_OPEN"),
    ("3033", "UNKNOWN_REST_SIGN_TYPE"),
    ("3035", "EXTEND_PARAM_TO_MUCH"),
    ("3036", "TEMPLATE_ALREADY_EXIST"),
    ("3037", "TEMPLATE_NAME_NULL"),
    ("3038", "TEMPLATE_NAME_INVALID"),
    ("3039", "TEMPLATE_CONTENT_INVALID"),
    ("3040", "TEMPLATE_TITLE_INVALID"),
    ("3041", "TEMPLATE_DESC_INFO_INVALID"),
    ("3042", "TEMPLATE_URI_INVALID"),
    ("3043", "SINGLE_PUSH_CONTENT_TOO_LONG"),
    ("3044", "INVALID_EXTEND_PARAM"),
    ("3049", "MULTIPLE_INNER_EXTEND_PARAM_TO_MUCH"),
    ("3050", "MSG_PAYLOAD_TOO_LONG"),
    ("8011", "FLOW_CONTROL_ERROR"),
    ("8012", "INVALID_INSTANCE_ID"),
    ("8013", "INVALID_TENANT_ID"),
    ("8014", "ACCOUNT_NO_PERMISSION"),
];

/// Returns what a result code of the push service says: nothing if it does not say that nothing was taken,
/// as 9000 (`SYSTEM_ERROR`) and codes in no table do not.
pub(super) fn of_result(code: &str) -> Option<RejectClass> {
    let known = REFUSED.iter().find(|(number, name)| *number == code || *name == code)?;
    Some(match known.0 {
        "8011" => RejectClass::Throttled,
        "-1" | "3007" | "8012" | "8013" | "8014" => RejectClass::Credentials,
        _ => RejectClass::Content,
    })
}

/// Returns what an error code of the gateway (HTTP 4xx) says: nothing if it does not say that nothing was taken.
pub(super) fn of_gateway(code: &str) -> Option<RejectClass> {
    // The gateway saw this nonce before. We use each once, so it saw this very request: what became of
    // the first copy is not known.
    if code == "SignatureNonceUsed" {
        return None;
    }
    if code.starts_with("Throttling") {
        return Some(RejectClass::Throttled);
    }
    let credentials = [
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "InvalidTimeStamp",
        "InvalidAccessKeyId",
        "InvalidSecurityToken",
        "MissingSecurityToken",
        "InvalidProduct",
        "InvalidProtocol",
        "Forbidden",
        "NoPermission",
    ];
    if credentials.iter().any(|known| code == *known || code.starts_with(&format!("{known}."))) {
        return Some(RejectClass::Credentials);
    }
    Some(RejectClass::Content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_by_number_and_by_name() {
        for (number, name) in REFUSED {
            assert_eq!(of_result(number), of_result(name), "{name}");
            assert!(of_result(number).is_some(), "{name}");
        }
        assert_eq!(of_result("8011"), Some(RejectClass::Throttled));
        assert_eq!(of_result("8014"), Some(RejectClass::Credentials));
        assert_eq!(of_result("3022"), Some(RejectClass::Content));
    }

    #[test]
    fn what_says_nothing_certain_is_no_refusal() {
        for code in ["9000", "SYSTEM_ERROR", "", "OK", "100", "SUCCESS", "3099", "SOMETHING_NEW"] {
            assert_eq!(of_result(code), None, "{code}");
        }
        assert_eq!(of_gateway("SignatureNonceUsed"), None);
    }

    #[test]
    fn the_gateways_families_are_known_by_their_beginning() {
        assert_eq!(of_gateway("Throttling.User"), Some(RejectClass::Throttled));
        assert_eq!(of_gateway("Forbidden.RAM"), Some(RejectClass::Credentials));
        assert_eq!(of_gateway("InvalidTimeStamp.Expired"), Some(RejectClass::Credentials));
        assert_eq!(of_gateway("MissingAppId"), Some(RejectClass::Content));
    }
}
