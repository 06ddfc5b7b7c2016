//! Proves that what names the way to the vendor can be read: a proxy's URL, and certificates that are trusted. The libraries
//! that use them pass over what they cannot read.

use std::path::Path;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Why a connection cannot be made as the machine says. Values stay out of it: a proxy's may hold a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// It is no URL.
    #[error("is no URL of a proxy")]
    NoProxy,
    /// It is one of another kind.
    #[error("names a proxy of another kind than `http` and `https`")]
    OtherProxy,
    /// The file or directory cannot be read.
    #[error("names `{path}`, which cannot be read: {why}")]
    Unreadable {
        /// What is named.
        path: String,
        /// What the system says.
        why: String,
    },
    /// The file has no certificate.
    #[error("names `{0}`, which has no certificate in PEM")]
    NoCertificate(String),
}

/// Reads a proxy's URL as connections do.
///
/// # Errors
///
/// Returns [`RouteError`] for one that would be passed over, or that no connection can go through.
pub fn prove_proxy(url: &str) -> Result<(), RouteError> {
    let proxy = Matcher::builder().all(url).build().intercept(&Uri::from_static("https://vendor.invalid"));
    let proxy = proxy.ok_or(RouteError::NoProxy)?;
    let (host, authority) = (proxy.uri().host(), proxy.uri().authority());
    let is_bare = || host.zip(authority).is_some_and(|(host, all)| all.as_str().ends_with(host));
    if proxy.uri().port_u16().is_none() && !is_bare() {
        return Err(RouteError::NoProxy);
    }
    match proxy.uri().scheme_str() {
        Some("http" | "https") => Ok(()),
        Some(_) | None => Err(RouteError::OtherProxy),
    }
}

/// Reads a file of trusted certificates, or a directory that should hold such files.
///
/// # Errors
///
/// Returns [`RouteError`] where there is nothing to trust.
pub fn prove_certificates(path: &Path) -> Result<(), RouteError> {
    let shown = path.display().to_string();
    let unreadable =
        |error: std::io::Error| RouteError::Unreadable { path: shown.clone(), why: error.to_string() };
    if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return std::fs::read_dir(path).map(drop).map_err(unreadable);
    }
    let pem = std::fs::read(path).map_err(unreadable)?;
    let has_one = CertificateDer::pem_slice_iter(&pem).any(|certificate| certificate.is_ok());
    if has_one { Ok(()) } else { Err(RouteError::NoCertificate(shown.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_would_be_passed_over_is_refused() {
        for url in
            ["http://proxy:3128", "https://ann:secret@proxy.example.com", "proxy:3128", "10.0.0.1:8080"]
        {
            assert_eq!(prove_proxy(url), Ok(()), "{url}");
        }
        for url in ["", "http://", "http://proxy:3128\n", "ftp://proxy", "http://a b", "http://proxy:port"] {
            assert_eq!(prove_proxy(url), Err(RouteError::NoProxy), "{url}");
        }
        assert_eq!(prove_proxy("socks5://proxy:1080"), Err(RouteError::OtherProxy));
    }
}
