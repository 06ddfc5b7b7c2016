//! Who asks: keys from environment variables, and the signature of requests. What is secret stays in here.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use hyper::http;
use hyper::http::request::Parts;
use reqsign_core::{Context, ErrorKind, FileRead, HttpSend, ProvideCredentialChain, Signer, StaticEnv};

use crate::domain::{ObjectService, ObjectsPlace};
use crate::state::Variables;
use crate::state::error::StateErrorKind;
use crate::state::objects::address::region;
use crate::state::objects::trouble::{Trouble, innermost};

/// The variables that the vendors' SDKs know, and no file of a home directory: a run has the keys that it was given.
const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_REGION",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_STS_ENDPOINT",
];

/// How long a service may take that gives keys for a token.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Signs the requests of one bucket.
#[derive(Debug)]
pub(super) enum Signing {
    S3(Signer<reqsign_aws_v4::Credential>),
    Oss(Signer<reqsign_aliyun_oss::Credential>),
}

impl Signing {
    pub(super) fn new(place: &ObjectsPlace, variables: &Variables, http: &reqwest::Client) -> Self {
        let mut envs: HashMap<String, String> =
            VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), variables(name)?))).collect();
        // Whom to ask for keys is the region's own service.
        envs.entry("AWS_REGION".to_owned()).or_insert_with(|| place.region.clone());
        let context = Context::new()
            .with_env(StaticEnv { home_dir: None, envs })
            .with_file_read(Files)
            .with_http_send(Exchange(http.clone()));
        match place.service {
            ObjectService::S3 => {
                let chain = ProvideCredentialChain::new()
                    .push(reqsign_aws_v4::EnvCredentialProvider::new())
                    .push(reqsign_aws_v4::AssumeRoleWithWebIdentityCredentialProvider::new())
                    .push(reqsign_aws_v4::ECSCredentialProvider::new());
                let signer = reqsign_aws_v4::RequestSigner::new("s3", &region(place));
                Self::S3(Signer::new(context, chain, signer.with_standard_session_token()))
            }
            ObjectService::Oss => {
                let chain = ProvideCredentialChain::new()
                    .push(reqsign_aliyun_oss::EnvCredentialProvider::new())
                    .push(reqsign_aliyun_oss::AssumeRoleWithOidcCredentialProvider::new());
                // New buckets refuse the older signatures.
                let signer = reqsign_aliyun_oss::RequestSigner::new(&place.bucket)
                    .with_region(region(place))
                    .with_signing_version(reqsign_aliyun_oss::SigningVersion::V4);
                Self::Oss(Signer::new(context, chain, signer))
            }
        }
    }

    /// Signs a request as of now.
    pub(super) async fn sign(&self, parts: &mut Parts) -> Result<(), Trouble> {
        let signed = match self {
            Self::S3(signer) => signer.sign(parts, None).await,
            Self::Oss(signer) => signer.sign(parts, None).await,
        };
        signed.map_err(|error| match error.kind() {
            // Who gives keys for a token may answer the next time.
            ErrorKind::Unexpected | ErrorKind::RateLimited => Trouble::NotSent(format!("no keys: {error}")),
            _ => Trouble::Refused(self.no_keys(&error.to_string())),
        })
    }

    /// Says of keys that cannot be had what is missing.
    fn no_keys(&self, why: &str) -> StateErrorKind {
        let is_none = why.contains("failed to load signing credential");
        let why = if is_none {
            "there are no credentials for it".to_owned()
        } else {
            format!("no credentials: {why}")
        };
        let help = match self {
            Self::S3(_) => {
                "nothing was sent. Set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` for temporary \
                 keys; or `AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE`"
            }
            Self::Oss(_) => {
                "nothing was sent. Set `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, with \
                 `ALIBABA_CLOUD_SECURITY_TOKEN` for temporary keys; or `ALIBABA_CLOUD_ROLE_ARN`, \
                 `ALIBABA_CLOUD_OIDC_PROVIDER_ARN` and `ALIBABA_CLOUD_OIDC_TOKEN_FILE`"
            }
        };
        StateErrorKind::Refused { why, help: help.to_owned() }
    }
}

/// Reads the file of a token.
#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        std::fs::read(path)
            .map_err(|error| reqsign_core::Error::config_invalid(format!("could not read `{path}`: {error}")))
    }
}

/// Exchanges a token for keys.
#[derive(Debug)]
struct Exchange(reqwest::Client);

impl HttpSend for Exchange {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let failed = |error: reqwest::Error| {
            let why = innermost(&error.without_url());
            reqsign_core::Error::unexpected(format!("no answer of the service that gives keys: {why}"))
        };
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let asked = self.0.execute(request);
        let reply = tokio::time::timeout(EXCHANGE_TIMEOUT, asked).await;
        let reply = reply
            .map_err(|_| {
                reqsign_core::Error::unexpected("the service that gives keys did not answer in 10 s")
            })?
            .map_err(failed)?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        let mut answer = http::Response::new(reply.bytes().await.map_err(failed)?);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}
