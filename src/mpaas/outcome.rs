//! What came of one request.

use std::time::Duration;

use crate::mpaas::line::Provisional;

/// Why the vendor did not take a request, in the classes that ask for different reactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectClass {
    /// Too fast, or over a quota: the same request may pass later.
    Throttled,
    /// The key, its rights, its signature or this machine's clock: no request will pass.
    Credentials,
    /// No connection came about, so nothing of the request left: it may pass later.
    Unreachable(NoConnection),
    /// What the request says: every batch of the campaign would be refused too.
    Content,
}

/// Why no connection came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoConnection {
    /// The other end, or a firewall on the way, refused it.
    Refused,
    /// The host's name has no address.
    UnknownHost,
    /// The other end's certificate is not trusted, or is another host's.
    Certificate,
    /// The proxy could not be reached, or opened no tunnel.
    Proxy,
    /// Nothing answered in time.
    TimedOut,
    /// Anything else.
    Other,
}

impl NoConnection {
    /// Returns what a person can do about it, as a clause.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Refused => "check the environment's `endpoint`, and that no firewall stands in the way",
            Self::UnknownHost => "check the host in the environment's `endpoint`, and this machine's DNS",
            Self::Certificate => {
                "check the environment's `endpoint` and this machine's clock; `SSL_CERT_FILE` names a file of \
                 root certificates"
            }
            Self::Proxy => "check `HTTPS_PROXY` and `NO_PROXY`",
            Self::TimedOut | Self::Other => "check the environment's `endpoint`, and this machine's network",
        }
    }
}

/// What is known after one request. Law 3 hangs on it: only [`Outcome::Rejected`] may be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an outcome that is not recorded leaves its intent in doubt"]
pub enum Outcome {
    /// The vendor says that it took the request: `ResultCode` and `PushResult.Success` are both good.
    Accepted {
        /// The vendor's name for the request.
        request_id: Option<String>,
        /// `PushResult.Data`, where not empty: the scheduled task, and for a broadcast the push task.
        task_id: Option<String>,
    },
    /// The vendor says that it did not take the request, or the request never left.
    Rejected {
        /// What to do about it.
        class: RejectClass,
        /// The vendor's code as it came; `connect` where no connection came about.
        code: String,
        /// The vendor's message, free of secrets and control characters.
        message: String,
        /// The vendor's name for the request.
        request_id: Option<String>,
        /// How long the vendor asks to wait.
        retry_after: Option<Duration>,
    },
    /// The request may have been taken, or not.
    Unknown {
        /// What happened, as a clause: lower case, no full stop.
        why: String,
        /// The vendor's code, where there was one.
        code: Option<String>,
        /// The vendor's name for the request.
        request_id: Option<String>,
    },
}

impl Outcome {
    /// Whether the request may have reached phones and its fate is not known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

/// What came of one request, as far as is known when its reply was read.
#[derive(Debug)]
#[must_use = "an outcome that is not recorded leaves its intent in doubt"]
pub struct Delivered {
    /// What the reply says.
    pub outcome: Outcome,
    /// There for what its connection may still put in doubt: a good answer.
    pub provisional: Option<Provisional>,
}

impl From<Outcome> for Delivered {
    /// Takes an outcome that is final.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, provisional: None }
    }
}

impl Outcome {
    /// Returns the doubt that is left of it, since it may be another request's.
    pub fn doubted(self, why: String) -> Self {
        let (code, request_id) = match self {
            Self::Accepted { request_id, .. } => (None, request_id),
            Self::Rejected { code, request_id, .. } => (Some(code), request_id),
            unknown @ Self::Unknown { .. } => return unknown,
        };
        Self::Unknown { why, code, request_id }
    }

    /// Returns the vendor's name for the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Accepted { request_id, .. }
            | Self::Rejected { request_id, .. }
            | Self::Unknown { request_id, .. } => request_id.as_deref(),
        }
    }
}
