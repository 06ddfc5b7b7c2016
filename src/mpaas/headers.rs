//! The headers that pushes and questions share.

use hyper::header::HeaderValue;

/// `User-Agent`: the tool and its version.
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("campaignctl/", env!("CARGO_PKG_VERSION")));

/// `Accept-Encoding`: no compression.
pub(super) const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Whether a body in an encoding is as it is.
pub(super) fn is_identity(encoding: &HeaderValue) -> bool {
    encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(IDENTITY.as_bytes())
}
