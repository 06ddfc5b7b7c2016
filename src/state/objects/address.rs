//! Where the requests for a bucket go.

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::domain::{Addressing, ObjectService, ObjectsPlace};

/// What RFC 3986 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A bucket's address, to which keys are added.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Scheme, host and port.
    origin: String,
    /// `/bucket` where the host is not the bucket's own.
    path: String,
    /// What all keys begin with: empty, or it ends with a slash.
    prefix: String,
}

impl Address {
    pub(super) fn of(place: &ObjectsPlace) -> Self {
        let ObjectsPlace { bucket, prefix, endpoint, addressing, .. } = place;
        let (scheme, host, port) = parts(place);
        let by_path = match addressing {
            Some(addressing) => *addressing == Addressing::Path,
            // A name below an IP address there is not, and no certificate of a region's is of `a.b.s3…`.
            None => endpoint.as_ref().is_some_and(is_local) || bucket.contains('.'),
        };
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        if by_path {
            let (origin, path) = (format!("{scheme}://{host}{port}"), format!("/{bucket}"));
            Self { origin, path, prefix }
        } else {
            Self { origin: format!("{scheme}://{bucket}.{host}{port}"), path: String::new(), prefix }
        }
    }

    /// Returns the address of the object of a key, or of the bucket.
    pub(super) fn url(&self, key: Option<&str>, query: &[(&str, &str)]) -> String {
        let Self { origin, path, prefix } = self;
        let key = key.map(|key| format!("{prefix}{key}")).unwrap_or_default();
        let mut url = format!("{origin}{path}/{key}");
        for (index, (name, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(name);
            if !value.is_empty() {
                url.push('=');
                url.extend(utf8_percent_encode(value, RESERVED));
            }
        }
        url
    }

    /// Returns a key as the bucket has it.
    pub(super) fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Returns a key of the bucket as the ledger has it.
    pub(super) fn own<'key>(&self, key: &'key str) -> Option<&'key str> {
        key.strip_prefix(self.prefix.as_str())
    }

    /// Returns host and port, as a request names them.
    pub(super) fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Returns scheme, host and port, for messages.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}

/// Returns scheme, host and port of the store that a bucket is in.
pub(super) fn store(place: &ObjectsPlace) -> String {
    let (scheme, host, port) = parts(place);
    format!("{scheme}://{host}{port}")
}

fn parts(place: &ObjectsPlace) -> (&str, String, String) {
    match &place.endpoint {
        Some(endpoint) => (
            endpoint.scheme(),
            endpoint.host_str().unwrap_or_default().to_owned(),
            endpoint.port().map(|port| format!(":{port}")).unwrap_or_default(),
        ),
        None => ("https", region_host(place.service, &region(place)), String::new()),
    }
}

/// Returns the region as signatures have it.
pub(super) fn region(place: &ObjectsPlace) -> String {
    match place.service {
        ObjectService::S3 => place.region.clone(),
        // The console writes `oss-cn-hangzhou`, too.
        ObjectService::Oss => place.region.strip_prefix("oss-").unwrap_or(&place.region).to_owned(),
    }
}

/// Returns the host of a region (<https://docs.aws.amazon.com/general/latest/gr/s3.html>,
/// <https://help.aliyun.com/zh/oss/user-guide/regions-and-endpoints>; 2026-11-30).
fn region_host(service: ObjectService, region: &str) -> String {
    match service {
        ObjectService::S3 if region.starts_with("cn-") => format!("s3.{region}.amazonaws.com.cn"),
        ObjectService::S3 => format!("s3.{region}.amazonaws.com"),
        ObjectService::Oss => format!("oss-{region}.aliyuncs.com"),
    }
}

fn is_local(endpoint: &Url) -> bool {
    match endpoint.host_str().map(Host::parse) {
        Some(Ok(Host::Domain(domain))) => domain == "localhost" || domain.parse::<IpAddr>().is_ok(),
        Some(Ok(Host::Ipv4(_) | Host::Ipv6(_))) => true,
        Some(Err(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LedgerPlace;

    fn address(text: &str) -> Address {
        let LedgerPlace::Objects(place) = LedgerPlace::parse_url(text, "e").unwrap() else {
            panic!("{text}")
        };
        Address::of(&place)
    }

    #[test]
    fn a_bucket_has_a_host_of_its_own_unless_that_cannot_be() {
        for (text, url) in [
            ("s3://acme/p?region=eu-west-1", "https://acme.s3.eu-west-1.amazonaws.com/p/log/1"),
            ("s3://a.b/p?region=eu-west-1", "https://s3.eu-west-1.amazonaws.com/a.b/p/log/1"),
            ("s3://acme?region=cn-north-1", "https://acme.s3.cn-north-1.amazonaws.com.cn/log/1"),
            ("oss://acme?region=cn-hangzhou", "https://acme.oss-cn-hangzhou.aliyuncs.com/log/1"),
            ("oss://acme?region=oss-cn-hangzhou", "https://acme.oss-cn-hangzhou.aliyuncs.com/log/1"),
            ("s3://acme?region=a&endpoint=https://minio.internal", "https://acme.minio.internal/log/1"),
            (
                "s3://acme?region=a&endpoint=https://minio.internal&addressing=path",
                "https://minio.internal/acme/log/1",
            ),
            ("s3://acme?region=a&endpoint=https://10.1.2.3:9000", "https://10.1.2.3:9000/acme/log/1"),
            ("s3://acme?region=a&endpoint=http://localhost:9000", "http://localhost:9000/acme/log/1"),
            ("s3://acme?region=a&endpoint=http://[::1]:9000", "http://[::1]:9000/acme/log/1"),
        ] {
            assert_eq!(address(text).url(Some("log/1"), &[]), url);
        }
        let local = address("s3://acme/p?region=a&endpoint=http://localhost:9000");
        assert_eq!(
            local.url(None, &[("list-type", "2"), ("prefix", &local.full("log/")), ("versioning", "")]),
            "http://localhost:9000/acme/?list-type=2&prefix=p%2Flog%2F&versioning"
        );
        assert_eq!((local.own("p/log/1"), local.own("q/log/1")), (Some("log/1"), None));
    }
}
