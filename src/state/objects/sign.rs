//! Signs requests with the keys that `credentials` leads to. What is secret stays in here.

use std::collections::HashMap;
use std::time::Duration;

use hyper::http::request::Parts;
use reqsign_core::{Context, ErrorKind, Signer, StaticEnv};

use crate::domain::{ObjectService, ObjectsPlace};
use crate::state::Variables;
use crate::state::error::StateErrorKind;
use crate::state::objects::address::region;
use crate::state::objects::credentials::{self, Source};
use crate::state::objects::exchange::{Exchange, LastAsked, NoKeys, TokenFiles};
use crate::state::objects::trouble::Trouble;

/// The variables that the crate may see, all of them the vendors' own.
const VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "ALIBABA_CLOUD_STS_ENDPOINT",
];

/// How long a service may take that gives keys for a token.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Signs the requests of one bucket.
#[derive(Debug)]
pub(super) struct Signing {
    by: By,
    last_asked: LastAsked,
}

#[derive(Debug)]
enum By {
    S3(Signer<reqsign_aws_v4::Credential>),
    Oss(Signer<reqsign_aliyun_oss::Credential>),
}

impl Signing {
    /// Finds where the keys come from; they are asked for when the first request is signed, `within` a time at the most.
    ///
    /// # Errors
    ///
    /// Returns what [`credentials::source`] returns.
    pub(super) fn new(
        place: &ObjectsPlace,
        variables: &Variables,
        within: Duration,
    ) -> Result<Self, StateErrorKind> {
        let (source, last_asked) = (credentials::source(place, variables)?, LastAsked::default());
        let exchange = Exchange::new(source, within.min(EXCHANGE_TIMEOUT), last_asked.clone());
        let exchange = exchange.map_err(|why| StateErrorKind::Refused {
            why,
            help: "nothing was sent. See what HTTPS_PROXY and SSL_CERT_FILE name".to_owned(),
        })?;
        let context = Context::new()
            .with_env(StaticEnv { home_dir: None, envs: environment(place, variables) })
            .with_file_read(TokenFiles(last_asked.clone()))
            .with_http_send(exchange);
        let by = match place.service {
            ObjectService::S3 => {
                let signer = reqsign_aws_v4::RequestSigner::new("s3", &region(place));
                By::S3(s3(source, context, signer.with_standard_session_token()))
            }
            ObjectService::Oss => {
                // New buckets refuse the older signatures.
                let signer = reqsign_aliyun_oss::RequestSigner::new(&place.bucket)
                    .with_region(region(place))
                    .with_signing_version(reqsign_aliyun_oss::SigningVersion::V4);
                By::Oss(oss(source, context, signer))
            }
        };
        Ok(Self { by, last_asked })
    }

    /// Signs a request as of now.
    pub(super) async fn sign(&self, parts: &mut Parts) -> Result<(), Trouble> {
        let signed = match &self.by {
            By::S3(signer) => signer.sign(parts, None).await,
            By::Oss(signer) => signer.sign(parts, None).await,
        };
        let refused = |why: String| {
            let help = "nothing was sent. See that the role trusts this token, and that the variables name the right file and host";
            Trouble::Refused(StateErrorKind::Keys { why, help: help.to_owned() })
        };
        signed.map_err(|error| match (self.last_asked.why(), error.kind()) {
            (Some(NoKeys::Refused(why)), _) => refused(why),
            (Some(NoKeys::Later(why)), _) => Trouble::KeysLater(why),
            // Who gives keys for a token may answer better the next time.
            (None, ErrorKind::Unexpected | ErrorKind::RateLimited) => Trouble::KeysLater(error.to_string()),
            (None, _) => refused(error.to_string()),
        })
    }
}

/// Returns what the crate reads of the environment, with what the SDKs take where nothing is set.
fn environment(place: &ObjectsPlace, variables: &Variables) -> HashMap<String, String> {
    let or =
        |name: &str, default: &str| (name.to_owned(), variables(name).unwrap_or_else(|| default.to_owned()));
    let set = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), variables(name)?)));
    let with_defaults = [
        or("AWS_REGION", &variables("AWS_DEFAULT_REGION").unwrap_or_else(|| place.region.clone())),
        // The region's own service, which is there when another region is not.
        or("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
        or("AWS_ROLE_SESSION_NAME", "campaignctl"),
        or("ALIBABA_CLOUD_ROLE_SESSION_NAME", "campaignctl"),
    ];
    set.chain(with_defaults).collect()
}

/// One source and no chain of several: a chain keeps what went wrong to itself.
fn s3(
    source: Source,
    context: Context,
    signer: reqsign_aws_v4::RequestSigner,
) -> Signer<reqsign_aws_v4::Credential> {
    use reqsign_aws_v4::{
        AssumeRoleWithWebIdentityCredentialProvider, ECSCredentialProvider, EnvCredentialProvider,
    };
    match source {
        Source::Keys => Signer::new(context, EnvCredentialProvider::new(), signer),
        Source::Role => Signer::new(context, AssumeRoleWithWebIdentityCredentialProvider::new(), signer),
        Source::Container => Signer::new(context, ECSCredentialProvider::new(), signer),
    }
}

fn oss(
    source: Source,
    context: Context,
    signer: reqsign_aliyun_oss::RequestSigner,
) -> Signer<reqsign_aliyun_oss::Credential> {
    use reqsign_aliyun_oss::{AssumeRoleWithOidcCredentialProvider, EnvCredentialProvider};
    match source {
        Source::Keys | Source::Container => Signer::new(context, EnvCredentialProvider::new(), signer),
        Source::Role => Signer::new(context, AssumeRoleWithOidcCredentialProvider::new(), signer),
    }
}
