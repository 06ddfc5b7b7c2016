//! What a store's refusal means, in words for a person, and whether it says anything at all of what was asked.

use std::error::Error;

use bytes::Bytes;
use chrono::DateTime;
use hyper::http::HeaderMap;
use serde::Deserialize;

use crate::domain::{ObjectService, ObjectsPlace};
use crate::state::error::StateErrorKind;
use crate::state::objects::address::Address;
use crate::state::objects::trouble::{Action, OVERWRITES, Trouble, header, innermost};

/// Longest part of a store's own message that is repeated.
const MESSAGE_CHARS_MAX: usize = 200;

/// Longest part of its code.
const CODE_CHARS_MAX: usize = 64;

/// A store's answer, with the error in it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The error's code; empty where there is none.
    pub(super) code: String,
    error: ErrorBody,
}

/// The error as S3 and OSS write it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ErrorBody {
    code: String,
    message: String,
    /// Of S3: where the bucket is.
    region: Option<String>,
    /// Of either: where the bucket is asked.
    endpoint: Option<String>,
    request_time: Option<String>,
    server_time: Option<String>,
}

impl Answer {
    pub(super) fn new(status: u16, headers: HeaderMap, body: Bytes) -> Self {
        let error: ErrorBody = match status {
            200..=299 => ErrorBody::default(),
            _ => str::from_utf8(&body)
                .ok()
                .filter(|text| text.contains("<Error>"))
                .and_then(|text| quick_xml::de::from_str(text).ok())
                .unwrap_or_default(),
        };
        let code = error.code.chars().take(CODE_CHARS_MAX).filter(|c| !c.is_control()).collect();
        Self { status, headers, body, code, error }
    }

    /// Whether it is a page for a browser, as no object store writes it.
    pub(super) fn is_page(&self) -> bool {
        let begins = self.body.iter().take(512).map(u8::to_ascii_lowercase).collect::<Vec<_>>();
        let begins = String::from_utf8_lossy(&begins).into_owned();
        begins.contains("<!doctype html") || begins.contains("<html")
    }

    /// Returns the error's code and the store's own words for it.
    fn in_words(&self) -> String {
        let message: String = self
            .error
            .message
            .chars()
            .take(MESSAGE_CHARS_MAX)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        match (self.code.is_empty(), message.is_empty()) {
            (true, _) => format!("HTTP {}", self.status),
            (false, true) => format!("HTTP {}, `{}`", self.status, self.code),
            (false, false) => format!("HTTP {}, `{}`: {message}", self.status, self.code),
        }
    }
}

/// Judges an answer that is not the one that was hoped for.
pub(super) fn trouble(place: &ObjectsPlace, address: &Address, action: Action, answer: &Answer) -> Trouble {
    let words = answer.in_words();
    match (answer.status, answer.code.as_str()) {
        (501, _) | (400, "NotImplemented") if action == Action::Put => {
            let why = format!("it does not know the condition that an object is created once ({words})");
            return Trouble::Refused(StateErrorKind::NotConditional { why, help: OVERWRITES });
        }
        // A conflict is of two requests for one key at a time, neither done.
        (408 | 429 | 500 | 502..=504 | 506..=510, _)
        | (400, "RequestTimeout")
        | (409, "ConditionalRequestConflict" | "OperationAborted") => return Trouble::Unclear(words),
        // Only the store's own error says that nothing was written: a page may be of whoever stands in between.
        (_, "") if action == Action::Put => {
            let origin = address.origin();
            return Trouble::Unclear(format!("`{origin}` does not answer as an object store does ({words})"));
        }
        _ => {}
    }
    let (why, help) = because(place, address, action, answer, &words);
    Trouble::Refused(StateErrorKind::Refused { why, help: format!("nothing was sent. {help}") })
}

fn because(
    place: &ObjectsPlace,
    address: &Address,
    action: Action,
    answer: &Answer,
    words: &str,
) -> (String, String) {
    let bucket = &place.bucket;
    match answer.code.as_str() {
        "NoSuchBucket" => (
            format!("there is no bucket `{bucket}` at `{}`", address.origin()),
            "Make the bucket, or correct its name, `region` or `endpoint` in the environment's `ledger`"
                .into(),
        ),
        "RequestTimeTooSkewed" => (skewed(answer), "Set this machine's clock, for example with NTP".into()),
        "InvalidAccessKeyId" | "InvalidToken" | "InvalidSecurityToken" => (
            format!("it does not know the access key ({words})"),
            format!("Look at {}", variables(place.service)),
        ),
        "ExpiredToken" | "SecurityTokenExpired" => (
            format!("the temporary keys have expired ({words})"),
            format!("Get new ones, and set {}", variables(place.service)),
        ),
        "SignatureDoesNotMatch" => (
            format!("the signature is wrong ({words})"),
            format!(
                "The secret does not belong to the key, or a proxy changes requests: look at {}",
                variables(place.service)
            ),
        ),
        _ if wrong_place(answer).is_some() => {
            let right = wrong_place(answer).unwrap_or_default();
            let help = if right.is_empty() {
                "Look up the bucket's region, and set `region` in the environment's `ledger`".to_owned()
            } else {
                format!("Set it in the environment's `ledger`: {right}")
            };
            (format!("bucket `{bucket}` is in another region than `{}` ({words})", place.region), help)
        }
        "AccessDenied" | "AllAccessDisabled" | "" if answer.status == 403 => (
            format!("the key may not {} ({words})", in_words(action)),
            format!("Allow `{}` to it: docs/ledger.md has the policies", permission(place.service, action)),
        ),
        _ if answer.is_page() || answer.code.is_empty() => (
            format!(
                "`{}` does not answer as an object store does (HTTP {})",
                address.origin(),
                answer.status
            ),
            "`endpoint` has to be the address of the store's interface, not of its console or of a proxy"
                .into(),
        ),
        _ => (words.to_owned(), "See what the store's documentation says of this code".into()),
    }
}

/// Says where the bucket is, where the answer says that it is not here; empty where it does not say where.
fn wrong_place(answer: &Answer) -> Option<String> {
    let region = answer.error.region.as_deref().or_else(|| header(&answer.headers, "x-amz-bucket-region"));
    let endpoint = answer.error.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let is_elsewhere = matches!(answer.status, 301 | 307)
        || matches!(
            answer.code.as_str(),
            "PermanentRedirect"
                | "TemporaryRedirect"
                | "Redirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException"
        )
        // OSS says it so.
        || (answer.code == "AccessDenied" && endpoint.is_some())
        || (answer.code == "InvalidArgument" && answer.error.message.contains("region"));
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-.:/".contains(c));
    is_elsewhere.then(|| match (region, endpoint) {
        (Some(region), _) if plain(region) => format!("`region={region}`"),
        (None, Some(endpoint)) if plain(endpoint) => {
            let region = endpoint.split('.').find_map(|part| part.strip_prefix("oss-"));
            region.map_or_else(
                || format!("`endpoint=https://{endpoint}`"),
                |region| format!("`region={region}`"),
            )
        }
        _ => String::new(),
    })
}

/// Says by how much the clocks differ, and which goes how, as far as the answer tells.
fn skewed(answer: &Answer) -> String {
    let read = |text: &Option<String>| DateTime::parse_from_rfc3339(text.as_deref()?).ok();
    // S3 repeats what was signed as it was: `20261130T000000Z`.
    let ours = || {
        let text = answer.error.request_time.as_deref()?;
        let basic = chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?;
        Some(basic.and_utc().fixed_offset())
    };
    let (ours, theirs) = (read(&answer.error.request_time).or_else(ours), read(&answer.error.server_time));
    let Some((ours, theirs)) = ours.zip(theirs) else {
        return "this machine's clock and the store's differ by more than the store allows".to_owned();
    };
    let minutes = (ours - theirs).num_minutes();
    let direction = if minutes < 0 { "behind" } else { "ahead of" };
    let minutes = minutes.abs();
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!("this machine's clock is {minutes} {unit} {direction} the store's")
}

/// Says why there is no connection, with what to look at.
pub(super) fn no_connection(address: &Address, error: &reqwest::Error) -> Trouble {
    let (mut chain, mut source) = (String::new(), error.source());
    while let Some(error) = source {
        chain.push_str(&error.to_string());
        chain.push('\n');
        source = error.source();
    }
    let (chain, why, origin) = (chain.to_lowercase(), innermost(error), address.origin());
    // How rustls says that what came is no message of TLS.
    if chain.contains("invalidcontenttype") {
        return Trouble::Refused(StateErrorKind::Refused {
            why: format!("the server at `{origin}` does not speak TLS"),
            help: "nothing was sent. Give `endpoint` the port that does; a store on this machine may be asked without, \
                   with `http://`"
                .to_owned(),
        });
    }
    Trouble::NotSent(if chain.contains("dns error") {
        format!("there is no host of that name: `{origin}` (look at bucket, `region` and `endpoint`)")
    } else if chain.contains("certificate") {
        format!(
            "`{origin}` is not trusted: {why} (a certificate authority of your own is named by `SSL_CERT_FILE`)"
        )
    } else {
        format!("no connection to `{origin}`: {why}")
    })
}

/// Says of a store that its list has no end.
pub(super) fn unending_list(address: &Address) -> Trouble {
    Trouble::Refused(StateErrorKind::Refused {
        why: format!("the list of keys of `{}` is cut off, and does not go on", address.origin()),
        help: "nothing was sent. Keep the ledger in a store that lists all keys, in order and page by page"
            .to_owned(),
    })
}

/// Says of an answer that it is longer than any that was asked for.
pub(super) fn long_answer(address: &Address, action: Action, bytes_max: usize) -> Trouble {
    let why =
        format!("an answer of `{}` is longer than the {bytes_max} bytes that it may have", address.origin());
    if action == Action::Put {
        // It may be there.
        return Trouble::Unclear(why);
    }
    let help = "nothing was sent. `endpoint` has to be the address of the store's interface".to_owned();
    Trouble::Refused(StateErrorKind::Refused { why, help })
}

fn in_words(action: Action) -> &'static str {
    match action {
        Action::Put => "write objects",
        Action::Get => "read objects",
        Action::List => "list the bucket's keys",
        Action::Delete => "delete objects",
        Action::Versioning => "see whether the bucket has versioning",
    }
}

fn permission(service: ObjectService, action: Action) -> &'static str {
    match (service, action) {
        (ObjectService::S3, Action::Put) => "s3:PutObject",
        // Without the right to list, S3 says the same of an object that is not there.
        (ObjectService::S3, Action::Get) => "s3:GetObject` and `s3:ListBucket",
        (ObjectService::S3, Action::List) => "s3:ListBucket",
        (ObjectService::S3, Action::Delete) => "s3:DeleteObject",
        (ObjectService::S3, Action::Versioning) => "s3:GetBucketVersioning",
        (ObjectService::Oss, Action::Put) => "oss:PutObject",
        (ObjectService::Oss, Action::Get) => "oss:GetObject",
        (ObjectService::Oss, Action::List) => "oss:ListObjects",
        (ObjectService::Oss, Action::Delete) => "oss:DeleteObject",
        (ObjectService::Oss, Action::Versioning) => "oss:GetBucketVersioning",
    }
}

fn variables(service: ObjectService) -> &'static str {
    match service {
        ObjectService::S3 => "`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`",
        ObjectService::Oss => {
            "`ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and `ALIBABA_CLOUD_SECURITY_TOKEN`"
        }
    }
}
