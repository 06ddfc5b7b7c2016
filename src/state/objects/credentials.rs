//! Whose keys sign a bucket's requests: which environment variables have them, or lead to who gives them, and to which store they
//! may be shown. No file of a home directory has any: a run has the keys that it was given.

use std::net::IpAddr;
use std::path::PathBuf;

use url::{Host, Url};

use crate::domain::{ObjectService, ObjectsPlace, odd_character};
use crate::state::Variables;
use crate::state::error::StateErrorKind;
use crate::state::objects::address;

/// Where keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// They stand in variables.
    Keys,
    /// A token in a file is exchanged for them.
    Role,
    /// A container's host gives them.
    Container,
}

/// What has to be set for a source, in the order in which the vendors' SDKs look.
fn sources(service: ObjectService) -> &'static [(Source, &'static [&'static str])] {
    match service {
        ObjectService::S3 => &[
            (Source::Keys, &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
            (Source::Role, &["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
            (Source::Container, &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]),
            (Source::Container, &["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
        ],
        ObjectService::Oss => &[
            (Source::Keys, &["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"]),
            (
                Source::Role,
                &[
                    "ALIBABA_CLOUD_ROLE_ARN",
                    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
                    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
                ],
            ),
        ],
    }
}

/// Variables whose values go into a header as they are, beside those of the sources.
const IN_HEADERS: &[&str] =
    &["AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "ALIBABA_CLOUD_SECURITY_TOKEN"];

/// Finds out where the keys for a store come from.
///
/// # Errors
///
/// Returns `Keys` where there are none, or only half of one, or one that no store would take; and `Refused` where they are for
/// another store.
pub(super) fn source(place: &ObjectsPlace, variables: &Variables) -> Result<Source, StateErrorKind> {
    let sources = sources(place.service);
    let is_set = |name: &&str| variables(name).is_some();
    let Some((source, names)) = sources.iter().find(|(_, names)| names.iter().all(is_set)) else {
        return Err(match sources.iter().find(|(_, names)| names.iter().any(is_set)) {
            Some((_, names)) => incomplete(names, variables),
            None => none(place.service, variables),
        });
    };
    prove_pinned(place, variables)?;
    let is_text = |name: &&&str| !name.ends_with("_FILE") && !name.ends_with("_URI");
    for name in names.iter().filter(is_text).chain(IN_HEADERS) {
        if let Some(odd) = variables(name).as_deref().and_then(odd_character) {
            let help = "nothing was sent. Set it again: keys have visible ASCII characters only";
            return Err(StateErrorKind::Keys { why: format!("`{name}` {odd}"), help: help.to_owned() });
        }
    }
    prove_encrypted(variables)?;
    Ok(*source)
}

/// Says what is missing of keys that are there in part.
fn incomplete(names: &[&str], variables: &Variables) -> StateErrorKind {
    let (there, missing): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| variables(name).is_some());
    let listed = |names: &[&str]| format!("`{}`", names.join("` and `"));
    let is = if missing.len() == 1 { "is" } else { "are" };
    StateErrorKind::Keys {
        why: format!("{} is set, and {} {is} not set or empty", listed(&there), listed(&missing)),
        help: format!("nothing was sent. Set {}, or unset {}", listed(&missing), listed(&there)),
    }
}

/// Says that there are no keys, and what is there that is not read.
fn none(service: ObjectService, variables: &Variables) -> StateErrorKind {
    let (profiles, file): (&[&str], &[&str]) = match service {
        ObjectService::S3 => {
            (&["AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"], &[".aws/credentials", ".aws/config"])
        }
        ObjectService::Oss => (
            &["ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CREDENTIALS_FILE"],
            &[".aliyun/config.json", ".ossutilconfig"],
        ),
    };
    let home = variables("HOME").map(PathBuf::from);
    let found = file.iter().find(|file| home.as_ref().is_some_and(|home| home.join(file).is_file()));
    let named = profiles.iter().find(|name| variables(name).is_some());
    let unread = match (named, found) {
        (Some(name), _) => format!("; `{name}` is set, and no profile is read"),
        (None, Some(file)) => format!("; `~/{file}` is there, and is not read"),
        (None, None) => String::new(),
    };
    let help = match service {
        ObjectService::S3 => {
            "nothing was sent. Set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, with `AWS_SESSION_TOKEN` for temporary keys \
             (`aws configure export-credentials --format env` prints a profile's); or `AWS_ROLE_ARN` and \
             `AWS_WEB_IDENTITY_TOKEN_FILE`"
        }
        ObjectService::Oss => {
            "nothing was sent. Set `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, with \
             `ALIBABA_CLOUD_SECURITY_TOKEN` for temporary keys; or `ALIBABA_CLOUD_ROLE_ARN`, \
             `ALIBABA_CLOUD_OIDC_PROVIDER_ARN` and `ALIBABA_CLOUD_OIDC_TOKEN_FILE`"
        }
    };
    let why = format!("there are none in the environment variables{unread}");
    StateErrorKind::Keys { why, help: help.to_owned() }
}

/// Refuses to show keys to another store than the one that the machine says they are for: a pull request may name any.
fn prove_pinned(place: &ObjectsPlace, variables: &Variables) -> Result<(), StateErrorKind> {
    let names: &[&str] = match place.service {
        ObjectService::S3 => &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        ObjectService::Oss => &["OSS_ENDPOINT"],
    };
    let Some((name, pinned)) = names.iter().find_map(|name| Some((name, variables(name)?))) else {
        return Ok(());
    };
    // ossutil takes a host alone, too.
    let pinned = if pinned.contains("://") { pinned } else { format!("https://{pinned}") };
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin()).filter(url::Origin::is_tuple);
    let refused = |why: String| {
        let help = format!("nothing was sent. See who changed `ledger:`, or what `{name}` is set to");
        Err(StateErrorKind::Refused { why, help })
    };
    let (theirs, ours) = (origin(&pinned), address::store(place));
    match theirs {
        None => refused(format!("`{name}` is no address, so no keys are shown to `{ours}`")),
        Some(theirs) if Some(&theirs) != origin(&ours).as_ref() => refused(format!(
            "the keys are for `{}`, as `{name}` says, and not for `{ours}`",
            theirs.ascii_serialization()
        )),
        Some(_) => Ok(()),
    }
}

/// Refuses to send a token in clear text over a network.
fn prove_encrypted(variables: &Variables) -> Result<(), StateErrorKind> {
    for name in ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "ALIBABA_CLOUD_STS_ENDPOINT"] {
        let Some(value) = variables(name).filter(|value| value.contains("://")) else { continue };
        if !Url::parse(&value)
            .is_ok_and(|url| url.scheme() == "https" || (url.scheme() == "http" && is_near(&url)))
        {
            return Err(StateErrorKind::Keys {
                why: format!("`{name}` would be asked in clear text"),
                help: format!("nothing was sent. Set `{name}` to an address with `https://`"),
            });
        }
    }
    Ok(())
}

/// Whether an address is of this machine, or of the host that a container runs on
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>, 2026-11-30).
fn is_near(url: &Url) -> bool {
    let address: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(domain)) => return domain == "localhost",
        None => None,
    };
    let hosts = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    address.is_some_and(|address| address.is_loopback() || hosts.contains(&address.to_string().as_str()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::LedgerPlace;

    fn place(text: &str) -> Arc<ObjectsPlace> {
        let LedgerPlace::Objects(place) = LedgerPlace::parse_url(text, "e").unwrap() else {
            panic!("{text}")
        };
        place
    }

    fn found(ledger: &str, set: &[(&str, &str)]) -> Result<Source, String> {
        let set: Vec<(String, String)> =
            set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let variables: Variables = Arc::new(move |name| {
            let value = set.iter().find(|(set, _)| set == name).map(|(_, value)| value.clone());
            value.filter(|value| !value.is_empty())
        });
        source(&place(ledger), &variables).map_err(|kind| match kind {
            StateErrorKind::Keys { why, help } | StateErrorKind::Refused { why, help } => {
                let words = format!("{why}; {help}");
                assert!(!words.contains("hunter2"), "{words}");
                words
            }
            other => panic!("{other:?}"),
        })
    }

    type Set<'a> = &'a [(&'a str, &'a str)];

    const S3: &str = "s3://acme/p?region=eu-west-1";
    const OSS: &str = "oss://acme/p?region=cn-hangzhou";
    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];

    #[test]
    fn the_first_source_that_is_complete_counts() {
        let role = [("AWS_ROLE_ARN", "arn"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t")];
        let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1")];
        assert_eq!(found(S3, &[&KEYS[..], &role, &container].concat()), Ok(Source::Keys));
        assert_eq!(found(S3, &[&KEYS[..1], &role].concat()), Ok(Source::Role));
        assert_eq!(found(S3, &[&role[..1], &container].concat()), Ok(Source::Container));
    }

    #[test]
    fn what_is_missing_and_what_is_not_read_is_named() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        std::fs::write(home.path().join(".aws/credentials"), "[default]\n").unwrap();
        let home = home.path().to_str().unwrap();
        let cases: [(&str, Set<'_>, &str); 9] = [
            (S3, &KEYS[..1], "`AWS_ACCESS_KEY_ID` is set, and `AWS_SECRET_ACCESS_KEY` is not set or empty"),
            (
                S3,
                &[KEYS[0], ("AWS_SECRET_ACCESS_KEY", "")],
                "Set `AWS_SECRET_ACCESS_KEY`, or unset `AWS_ACCESS_KEY_ID`",
            ),
            (S3, &[("AWS_WEB_IDENTITY_TOKEN_FILE", "/t")], "and `AWS_ROLE_ARN` is not set"),
            (
                OSS,
                &[("ALIBABA_CLOUD_ROLE_ARN", "a")],
                "`ALIBABA_CLOUD_OIDC_PROVIDER_ARN` and `ALIBABA_CLOUD_OIDC_TOKEN_FILE` are not set",
            ),
            (
                S3,
                &[],
                "there are none in the environment variables; nothing was sent. Set `AWS_ACCESS_KEY_ID`",
            ),
            (
                OSS,
                &KEYS,
                "there are none in the environment variables; nothing was sent. Set `ALIBABA_CLOUD_ACCESS",
            ),
            (S3, &[("HOME", home)], "`~/.aws/credentials` is there, and is not read"),
            (S3, &[("AWS_PROFILE", "acme")], "`AWS_PROFILE` is set, and no profile is read"),
            (
                S3,
                &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://keys.example/v1")],
                "`AWS_CONTAINER_CREDENTIALS_FULL_URI` would be asked in clear text",
            ),
        ];
        for (ledger, set, words) in cases {
            let said = found(ledger, set).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_key_with_a_character_that_no_key_has_is_named_and_never_shown() {
        for (name, value, words) in [
            ("AWS_ACCESS_KEY_ID", "hunter2\n", "`AWS_ACCESS_KEY_ID` ends with a line feed"),
            ("AWS_SECRET_ACCESS_KEY", "hun ter2", "`AWS_SECRET_ACCESS_KEY` contains a space"),
            ("AWS_SESSION_TOKEN", "\u{1}hunter2", "`AWS_SESSION_TOKEN` begins with a control character"),
        ] {
            let others = KEYS.into_iter().filter(|(other, _)| *other != name);
            let set: Vec<_> = others.chain([(name, value)]).collect();
            let said = found(S3, &set).unwrap_err();
            assert!(said.contains(words) && !said.contains("ter2"), "{said}");
        }
    }

    #[test]
    fn keys_are_shown_to_the_store_alone_that_the_machine_says_they_are_for() {
        let oss = [("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hunter2")];
        let minio = "s3://acme/p?region=a&endpoint=https://minio.internal:9000";
        for (ledger, pin, is_shown) in [
            (S3, ("AWS_ENDPOINT_URL_S3", "https://s3.eu-west-1.amazonaws.com"), true),
            (S3, ("AWS_ENDPOINT_URL", "https://s3.eu-west-1.amazonaws.com:443/"), true),
            (S3, ("AWS_ENDPOINT_URL", "https://minio.internal:9000"), false),
            (minio, ("AWS_ENDPOINT_URL_S3", "https://minio.internal:9000/"), true),
            (minio, ("AWS_ENDPOINT_URL_S3", "https://minio.internal"), false),
            (minio, ("AWS_ENDPOINT_URL_S3", "http://minio.internal:9000"), false),
            (minio, ("AWS_ENDPOINT_URL_S3", "https://"), false),
            (OSS, ("OSS_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com"), true),
            (OSS, ("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com"), true),
            (
                "oss://acme?region=cn-hangzhou&endpoint=https://evil.example",
                ("OSS_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com"),
                false,
            ),
            (OSS, ("AWS_ENDPOINT_URL", "https://minio.internal:9000"), true),
        ] {
            let found = found(ledger, &[&KEYS[..], &oss, &[pin]].concat());
            assert_eq!(found.is_ok(), is_shown, "{ledger}, {pin:?}: {found:?}");
            if let Err(said) = found {
                assert!(said.contains(&format!("`{}`", pin.0)), "{said}");
            }
        }
        // The one that is for S3 alone counts before the one that is for all services.
        let both =
            [("AWS_ENDPOINT_URL_S3", "https://minio.internal:9000"), ("AWS_ENDPOINT_URL", "https://other")];
        assert_eq!(found(minio, &[&KEYS[..], &both].concat()), Ok(Source::Keys));
    }
}
