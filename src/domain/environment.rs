//! Where a workspace's campaigns go.

use std::fmt;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use url::{Host, Url};

use crate::domain::{EnvironmentName, LedgerPlace, ReviewPolicy};

/// Why an address is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointRefused {
    /// No URL at all.
    #[error("`{0}` is no URL")]
    NotAUrl(String),
    /// A key and messages in clear text over a network.
    #[error("`{0}` is not https, and only loopback addresses may use http")]
    NotHttps(String),
    /// The vendor's address is a host and nothing else: it signs the path `/`.
    #[error(
        "`{0}` has a user name, path, query or fragment, but an endpoint is only a scheme, a host and a port"
    )]
    MoreThanAHost(String),
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The sandbox inside this process.
    Sandbox,
    /// A host that speaks the vendor's protocol: https, or http to loopback; nothing after the host.
    Remote(Url),
}

impl Endpoint {
    /// Reads `sandbox` or a URL.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointRefused`] for a text that is no URL, for http to another machine, and for more than a host.
    pub fn parse(text: &str) -> Result<Self, EndpointRefused> {
        if text == "sandbox" {
            return Ok(Self::Sandbox);
        }
        let url = Url::parse(text).map_err(|_| EndpointRefused::NotAUrl(text.to_owned()))?;
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            Some(Host::Domain(domain)) => domain == "localhost",
            None => return Err(EndpointRefused::NotAUrl(text.to_owned())),
        };
        if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback) {
            return Err(EndpointRefused::NotHttps(text.to_owned()));
        }
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare {
            return Err(EndpointRefused::MoreThanAHost(text.to_owned()));
        }
        Ok(Self::Remote(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sandbox => formatter.write_str("sandbox"),
            Self::Remote(url) => formatter.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

/// A version of the vendor's API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ApiVersion {
    /// 2019-08-21: the version of the vendor's older samples.
    V20190821,
    /// 2020-10-28: the current one.
    #[default]
    V20201028,
}

impl ApiVersion {
    /// Returns the version as it goes over the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V20190821 => "2019-08-21",
            Self::V20201028 => "2020-10-28",
        }
    }
}

/// One mPaaS app, workspace, endpoint and ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name in the project file.
    pub name: EnvironmentName,
    /// `AppId`.
    pub app_id: String,
    /// `WorkspaceId`.
    pub workspace_id: String,
    /// `TenantId`.
    pub tenant_id: Option<String>,
    /// Where requests go.
    pub endpoint: Endpoint,
    /// `RegionId`, where given.
    pub region: Option<String>,
    /// `Version`.
    pub api_version: ApiVersion,
    /// Most requests begun in a second.
    pub requests_per_second: NonZeroU32,
    /// Most requests in flight.
    pub concurrency: NonZeroUsize,
    /// Most scheduled and repeating tasks that the vendor keeps until they are executed.
    pub unexecuted_tasks_max: usize,
    /// How long one request may take before its outcome is unknown.
    pub timeout: Duration,
    /// Where its ledger is.
    pub ledger: LedgerPlace,
    /// What reviewers have to approve before anything leaves.
    pub review: ReviewPolicy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_do_without_https() {
        for good in [
            "sandbox",
            "https://mpaas.cn-hangzhou.aliyuncs.com",
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://mpaas.aliyuncs.com",
            "http://10.0.0.1",
            "ftp://localhost",
            "http://127.0.0.1.example.com",
        ] {
            assert!(matches!(Endpoint::parse(bad), Err(EndpointRefused::NotHttps(_))), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_a_host_and_nothing_else() {
        for bad in ["https://h/path", "https://h/?q", "https://h/#f", "https://user@h/", "https://:secret@h/"]
        {
            assert!(matches!(Endpoint::parse(bad), Err(EndpointRefused::MoreThanAHost(_))), "{bad}");
        }
        for bad in ["", "mpaas.aliyuncs.com", "mailto:a@b", "/x"] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }
}
