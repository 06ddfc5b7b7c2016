//! What the gateway in front of the service refuses, with its codes, statuses and words (vendor pages 434846
//! and 435312, and bodies in public issues).

/// A refusal of the gateway: the service never saw the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GatewayError {
    /// HTTP status.
    pub(super) status: u16,
    /// `Code`.
    pub(super) code: String,
    /// `Message`.
    pub(super) message: String,
    /// `x-acs-retry-after`, in milliseconds.
    pub(super) retry_after_ms: Option<u64>,
}

impl GatewayError {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), retry_after_ms: None }
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("{parameter} is mandatory for this action.");
        Self::new(400, &format!("Missing{parameter}"), &message)
    }

    pub(super) fn api_not_found() -> Self {
        let message =
            "Specified api is not found, please check your url and method, and the case of your action.";
        Self::new(404, "InvalidApi.NotFound", message)
    }

    pub(super) fn access_key_not_found() -> Self {
        Self::new(400, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    }

    pub(super) fn timestamp_format() -> Self {
        let message = "Specified time stamp or date value is not well formatted.";
        Self::new(400, "InvalidTimeStamp.Format", message)
    }

    pub(super) fn timestamp_expired() -> Self {
        let message = "Specified time stamp or date value is expired.";
        Self::new(400, "InvalidTimeStamp.Expired", message)
    }

    pub(super) fn nonce_used() -> Self {
        Self::new(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
    }

    /// A signature of version 1; version 3 has another message. The tables say 403 and bodies in public issues
    /// 400, which is also what makes the official SDKs take it for the caller's mistake. The message echoes
    /// what the server signed.
    pub(super) fn signature_v1(string_to_sign: &str) -> Self {
        let message = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
        );
        Self::new(400, "SignatureDoesNotMatch", &message)
    }

    /// A signature of version 3: the message echoes what the server signed.
    pub(super) fn signature_v3(canonical_request: &str) -> Self {
        let message = format!(
            "Specified signature is not matched with our calculation. server CanonicalRequest is:{canonical_request}"
        );
        Self::new(400, "SignatureDoesNotMatch", &message)
    }

    /// A signature that leaves out what must be signed.
    pub(super) fn signature_incomplete(why: &str) -> Self {
        Self::new(400, "IncompleteSignature", why)
    }

    /// A signature of a kind nobody documents.
    pub(super) fn signature_unsupported() -> Self {
        let message = "Specified signature method or version is not supported.";
        Self::new(400, "InvalidSignatureMethod", message)
    }

    pub(super) fn throttled(retry_after_ms: Option<u64>) -> Self {
        let error = Self::new(400, "Throttling.User", "Request was denied due to user flow control.");
        Self { retry_after_ms, ..error }
    }

    pub(super) fn unavailable() -> Self {
        let message = "The request has failed due to a temporary failure of the server.";
        Self::new(503, "ServiceUnavailable", message)
    }

    pub(super) fn internal(message: &str) -> Self {
        Self::new(500, "InternalError", message)
    }
}
