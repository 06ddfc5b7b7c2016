//! Rules about environments.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::check::{duration, review_policy, wire_text};
use crate::diagnostic::{Code, Diagnostic, Place, closest};
use crate::domain::{
    ApiVersion, Endpoint, EndpointRefused, Environment, EnvironmentName, LedgerPlace, LedgerRefused,
    UNEXECUTED_TASKS_MAX,
};
use crate::load::Document;
use crate::load::model::{ApiVersionSyntax, ProjectFile};

/// The app id of the project file that `init` writes.
const APP_ID: &str = "ONEX0000000000000";

const REQUESTS_PER_SECOND: u32 = 20;
const CONCURRENCY: u32 = 8;
const TIMEOUT_SECONDS: u64 = 30;
const TIMEOUT_SECONDS_MAX: u64 = 600;

/// Applies the rules of one environment.
pub(super) fn environment(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    name: &str,
) -> Option<Environment> {
    let syntax = &document.model().environments[name];
    let place = |key: &str| document.value(&["environments", name, key]);
    for (key, text) in [
        ("app_id", Some(&syntax.app_id)),
        ("workspace_id", Some(&syntax.workspace_id)),
        ("tenant_id", syntax.tenant_id.as_ref()),
        ("region", syntax.region.as_ref()),
        ("ledger", syntax.ledger.as_ref()),
    ] {
        if let Some(text) = text {
            wire_text::check(out, key, text, || place(key));
        }
    }
    let parsed_name = bad_name(out, document, name);
    let endpoint = bad_endpoint(out, &syntax.endpoint, || place("endpoint"));
    if matches!(endpoint, Some(Endpoint::Remote(_))) {
        unedited_app_id(out, &syntax.app_id, || place("app_id"));
    }
    let timeout = timeout(out, syntax.timeout.as_deref(), || place("timeout"));
    let ledger = ledger(out, document, name, || place("ledger"));
    let review = review_policy::read(out, document, name);
    Some(Environment {
        name: parsed_name?,
        app_id: syntax.app_id.clone(),
        workspace_id: syntax.workspace_id.clone(),
        tenant_id: syntax.tenant_id.clone(),
        endpoint: endpoint?,
        region: syntax.region.clone(),
        api_version: match syntax.api_version {
            Some(ApiVersionSyntax::V20190821) => ApiVersion::V20190821,
            Some(ApiVersionSyntax::V20201028) => ApiVersion::V20201028,
            None => ApiVersion::default(),
        },
        requests_per_second: NonZeroU32::new(syntax.requests_per_second.unwrap_or(REQUESTS_PER_SECOND))
            .expect("the schema asks for 1 or more"),
        concurrency: NonZeroUsize::new(syntax.concurrency.unwrap_or(CONCURRENCY) as usize)
            .expect("the schema asks for 1 or more"),
        unexecuted_tasks_max: syntax.unexecuted_tasks_max.map_or(UNEXECUTED_TASKS_MAX, |most| most as usize),
        timeout: timeout?,
        ledger: ledger?,
        review: review?,
    })
}

/// `unedited-skeleton`: of an environment whose pushes go to the vendor. The sandbox takes any id.
fn unedited_app_id(out: &mut Vec<Diagnostic>, app_id: &str, place: impl FnOnce() -> Place) {
    if app_id == APP_ID {
        let message = format!("`{app_id}` stands for an app id that was to be filled in");
        out.push(
            Diagnostic::error(Code::UneditedSkeleton, place(), message)
                .help("write the app id that the mPaaS console shows for your app"),
        );
    }
}

/// `bad-name`: an environment's name goes into message keys and into the ledger's path.
fn bad_name(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    name: &str,
) -> Option<EnvironmentName> {
    match name.parse::<EnvironmentName>() {
        Ok(name) => Some(name),
        Err(error) => {
            let place = document.key(&["environments", name]);
            let diagnostic = Diagnostic::error(Code::BadName, place, error.to_string());
            out.push(diagnostic.help("an environment's name goes into message keys: rename it"));
            None
        }
    }
}

/// `bad-endpoint`: keys and messages travel in clear text only within this machine.
fn bad_endpoint(out: &mut Vec<Diagnostic>, text: &str, place: impl FnOnce() -> Place) -> Option<Endpoint> {
    let error = match Endpoint::parse(text) {
        Ok(endpoint) => return Some(endpoint),
        Err(error) => error,
    };
    let help = match &error {
        EndpointRefused::NotAUrl(_) if closest(text, ["sandbox"]).is_some() => {
            "did you mean `sandbox`?".to_owned()
        }
        EndpointRefused::NotAUrl(_) if !text.contains("://") && text.contains('.') => {
            format!("write `https://{text}`")
        }
        EndpointRefused::NotAUrl(_) => {
            "write `https://mpaas.cn-hangzhou.aliyuncs.com`, or `sandbox` for the built-in one".to_owned()
        }
        EndpointRefused::NotHttps(_) => "write `https://`".to_owned(),
        EndpointRefused::MoreThanAHost(_) => {
            "remove what follows or precedes the host; keys come from the environment variables".to_owned()
        }
    };
    out.push(Diagnostic::error(Code::BadEndpoint, place(), error.to_string()).help(help));
    None
}

/// `wrong-value`: a request may take 1 second to 10 minutes.
fn timeout(out: &mut Vec<Diagnostic>, text: Option<&str>, place: impl FnOnce() -> Place) -> Option<Duration> {
    let message = match text.map_or(Ok(TIMEOUT_SECONDS), duration::seconds) {
        Ok(seconds @ 1..=TIMEOUT_SECONDS_MAX) => return Some(Duration::from_secs(seconds)),
        Ok(_) => "a timeout is between 1 second and 10 minutes".to_owned(),
        Err(error) => error.to_string(),
    };
    let help = "write it as `30s` or `2m`: a request that takes longer is in doubt";
    out.push(Diagnostic::error(Code::WrongValue, place(), message).help(help));
    None
}

/// `bad-ledger`, `secret-in-file`: a ledger is a directory, or the address of a store, which proves nobody's right to it.
fn ledger(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    environment: &str,
    place: impl FnOnce() -> Place,
) -> Option<LedgerPlace> {
    let directory = |path: &str| Some(LedgerPlace::Directory(document.directory().join(path)));
    let error = match document.model().environments[environment].ledger.as_deref() {
        None => return directory(&format!(".campaignctl/{environment}")),
        Some(path) if !LedgerPlace::is_address(path) => return directory(path),
        Some(url) => match LedgerPlace::parse_url(url, environment) {
            Ok(place) => return Some(place),
            Err(error) => (error, url),
        },
    };
    let (error, url) = error;
    let code = if matches!(error, LedgerRefused::Secret(_)) { Code::SecretInFile } else { Code::BadLedger };
    out.push(Diagnostic::error(code, place(), error.to_string()).help(help_with_ledger(&error, url)));
    None
}

/// Says what to write for an address that names no store.
fn help_with_ledger(error: &LedgerRefused, url: &str) -> String {
    let is_of = |scheme: &str| url.starts_with(scheme);
    let shapes = "write `postgres://ROLE@HOST/DATABASE`, `s3://BUCKET/PREFIX?region=REGION` or \
                  `oss://BUCKET/PREFIX?region=REGION`";
    match error {
        LedgerRefused::Secret(_) => {
            let variables = match () {
                () if is_of("s3") => "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
                () if is_of("oss") => "`ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`",
                () => "`PGPASSWORD`, or the file that `PGPASSFILE` names,",
            };
            format!(
                "remove it here, and change it where it is valid: it is in git's history. When a command runs, {variables} \
                 may hold it"
            )
        }
        LedgerRefused::Scheme(scheme) => match closest(scheme, ["postgres", "s3", "oss"]) {
            Some(meant) => format!("did you mean `{meant}://`?"),
            None => format!("{shapes}, or a path relative to the project file, such as `.campaignctl/production`"),
        },
        LedgerRefused::NotAUrl => format!("{shapes}; a port is a number"),
        LedgerRefused::Parameter(name) => {
            let known: &[&str] = if is_of("postgres") {
                &["ledger", "schema", "sslmode", "sslrootcert"]
            } else {
                &["region", "endpoint", "addressing"]
            };
            match closest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("write one of these, or remove it: `{}`", known.join("`, `")),
            }
        }
        LedgerRefused::Value { parameter: "sslmode", .. } => {
            "remove it: by default the connection is encrypted, and the server's certificate and name are proven".to_owned()
        }
        LedgerRefused::ClearText if is_of("postgres") => "remove `sslmode=disable`".to_owned(),
        LedgerRefused::ClearText => "write `https://`".to_owned(),
        LedgerRefused::Character { expected, .. } | LedgerRefused::Part { expected, .. } => (*expected).to_owned(),
        LedgerRefused::Value { parameter: "region", .. } => "regions have lower-case letters, digits and `-`".to_owned(),
        LedgerRefused::Value { parameter: "addressing", .. } => {
            "remove `addressing`: it is `path` for an IP address, and else `host`".to_owned()
        }
        LedgerRefused::Missing(_) | LedgerRefused::Twice(_) | LedgerRefused::Value { .. } => shapes.to_owned(),
    }
}

/// `shared-ledger`: two environments in one ledger would hide each other's pushes.
pub(super) fn shared_ledger(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    environments: &[&Environment],
) {
    let ledger_at =
        |environment: &Environment| document.value(&["environments", environment.name.as_str(), "ledger"]);
    let mut by_path: BTreeMap<PathBuf, &Environment> = BTreeMap::new();
    let mut by_address: BTreeMap<String, &Environment> = BTreeMap::new();
    for second in environments {
        let Some(path) = second.ledger.directory() else {
            let first = *by_address.entry(second.ledger.to_string()).or_insert(second);
            if first.name != second.name {
                let message = format!(
                    "environments `{}` and `{}` keep their ledgers in the same place",
                    first.name, second.name
                );
                out.push(
                    Diagnostic::error(Code::SharedLedger, ledger_at(second), message)
                        .related(ledger_at(first), "the other ledger")
                        .help("give each environment a prefix or a `ledger=` of its own"),
                );
            }
            continue;
        };
        let path = plain(path);
        // What is inside a directory comes right behind it in the order of paths.
        let outside = path.ancestors().find_map(|outer| by_path.get_key_value(outer));
        let inside = || by_path.range(path.clone()..).next().filter(|(inner, _)| inner.starts_with(&path));
        if let Some((other, first)) = outside.or_else(inside) {
            let relation = if *other == path { "in the same directory" } else { "one inside the other" };
            let message =
                format!("environments `{}` and `{}` keep their ledgers {relation}", first.name, second.name);
            out.push(
                Diagnostic::error(Code::SharedLedger, ledger_at(second), message)
                    .related(ledger_at(first), "the other ledger")
                    .help("give each environment a directory of its own"),
            );
        }
        by_path.entry(path).or_insert(second);
    }
}

/// `shared-app`: two environments with ledgers of their own push to the same phones, so a campaign that is
/// applied in both reaches people twice.
pub(super) fn shared_app(
    out: &mut Vec<Diagnostic>,
    document: &Document<ProjectFile>,
    environments: &[&Environment],
) {
    let workspace_at = |environment: &Environment| {
        document.value(&["environments", environment.name.as_str(), "workspace_id"])
    };
    let mut by_app: BTreeMap<(String, &str, &str), &Environment> = BTreeMap::new();
    for second in environments {
        let Environment { app_id, workspace_id, .. } = second;
        let Endpoint::Remote(url) = &second.endpoint else { continue };
        match by_app.entry((url.to_string(), app_id, workspace_id)) {
            Entry::Vacant(vacant) => {
                vacant.insert(second);
            }
            Entry::Occupied(first) => {
                let first = first.get();
                let message =
                    format!("environments `{}` and `{}` push to the same app", first.name, second.name);
                out.push(
                    Diagnostic::warning(Code::SharedApp, workspace_at(second), message)
                        .related(workspace_at(first), "the same app and workspace")
                        .help(
                            "a campaign that is applied in both reaches people twice: give one another workspace",
                        ),
                );
            }
        }
    }
}

/// Returns a path without `.` and `..`, as far as can be told without the disk.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir | Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                out.push(component);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign, diagnose_files, diagnose_project};

    fn environments(entries: &str) -> String {
        diagnose_project(&format!("version: 1\nproject: acme\nenvironments:\n{entries}"))
    }

    /// One environment with one more key.
    fn environment(entry: &str) -> String {
        let rest = if entry.contains("endpoint") { "" } else { ", endpoint: sandbox" };
        environments(&format!("  e: {{ app_id: A, workspace_id: w{rest}, {entry} }}\n"))
    }

    #[test]
    fn an_endpoint_is_safe_to_send_keys_to() {
        insta::assert_snapshot!(environment("endpoint: sanbox"), @r"
        campaignctl.yaml:4:46 bad-endpoint: `sanbox` is no URL
            = did you mean `sandbox`?
        ");
        insta::assert_snapshot!(environment("endpoint: mpaas.cn-hangzhou.aliyuncs.com"), @r"
        campaignctl.yaml:4:46 bad-endpoint: `mpaas.cn-hangzhou.aliyuncs.com` is no URL
            = write `https://mpaas.cn-hangzhou.aliyuncs.com`
        ");
        insta::assert_snapshot!(environment("endpoint: \"http://mpaas.aliyuncs.com\""), @r"
        campaignctl.yaml:4:46 bad-endpoint: `http://mpaas.aliyuncs.com` is not https, and only loopback addresses may use http
            = write `https://`
        ");
        insta::assert_snapshot!(environment("endpoint: \"https://key@mpaas.aliyuncs.com/x\""), @r"
        campaignctl.yaml:4:46 bad-endpoint: `https://key@mpaas.aliyuncs.com/x` has a user name, path, query or fragment, but an endpoint is only a scheme, a host and a port
            = remove what follows or precedes the host; keys come from the environment variables
        ");
    }

    #[test]
    fn a_timeout_is_one_second_to_ten_minutes() {
        assert_eq!(environment("timeout: 1s"), "");
        assert_eq!(environment("timeout: 10m"), "");
        insta::assert_snapshot!(environment("timeout: 601s"), @r"
        campaignctl.yaml:4:64 wrong-value: a timeout is between 1 second and 10 minutes
            = write it as `30s` or `2m`: a request that takes longer is in doubt
        ");
        insta::assert_snapshot!(environment("timeout: 500ms"), @r"
        campaignctl.yaml:4:64 wrong-value: `500ms` is no whole number of seconds
            = write it as `30s` or `2m`: a request that takes longer is in doubt
        ");
        insta::assert_snapshot!(environment("timeout: 0s"), @r"
        campaignctl.yaml:4:64 wrong-value: a timeout is between 1 second and 10 minutes
            = write it as `30s` or `2m`: a request that takes longer is in doubt
        ");
    }

    #[test]
    fn stray_white_space_does_not_reach_the_vendor() {
        insta::assert_snapshot!(environment("tenant_id: \" T\", region: \" \""), @r"
        campaignctl.yaml:4:66 wrong-value: `tenant_id` begins with white space: U+0020
            = remove it: it would be sent
        campaignctl.yaml:4:80 wrong-value: `region` is blank
            = write it, or remove the key
        ");
    }

    #[test]
    fn a_ledger_is_a_directory_or_the_address_of_a_store_without_a_secret() {
        assert_eq!(environment("ledger: \"postgres://ledger@db.internal/push\""), "");
        assert_eq!(environment("ledger: \"oss://acme/push?region=cn-hangzhou\""), "");
        insta::assert_snapshot!(environment("ledger: \"mysql://db/x\""), @r"
        campaignctl.yaml:4:63 bad-ledger: there is no store for `mysql://`
            = write `postgres://ROLE@HOST/DATABASE`, `s3://BUCKET/PREFIX?region=REGION` or `oss://BUCKET/PREFIX?region=REGION`, or a path relative to the project file, such as `.campaignctl/production`
        ");
        insta::assert_snapshot!(environment("ledger: \"postgres://ledger:hunter2@db/x\""), @r"
        campaignctl.yaml:4:63 secret-in-file: there is a password in the ledger's address
            = remove it here, and change it where it is valid: it is in git's history. When a command runs, `PGPASSWORD`, or the file that `PGPASSFILE` names, may hold it
        ");
        insta::assert_snapshot!(environment("ledger: \"s3://acme/push\""), @r"
        campaignctl.yaml:4:63 bad-ledger: the region, as in `?region=ap-southeast-1`, is missing
            = write `postgres://ROLE@HOST/DATABASE`, `s3://BUCKET/PREFIX?region=REGION` or `oss://BUCKET/PREFIX?region=REGION`
        ");
        insta::assert_snapshot!(environment("ledger: \"postgress://ledger@db/x\""), @r"
        campaignctl.yaml:4:63 bad-ledger: there is no store for `postgress://`
            = did you mean `postgres://`?
        ");
        insta::assert_snapshot!(environment("ledger: \"postgres:/ledger@db/x\""), @r"
        campaignctl.yaml:4:63 bad-ledger: the host is missing
            = write `postgres://ROLE@HOST/DATABASE`, `s3://BUCKET/PREFIX?region=REGION` or `oss://BUCKET/PREFIX?region=REGION`
        ");
        insta::assert_snapshot!(environment("ledger: \"postgres://db/x?shema=a\""), @r"
        campaignctl.yaml:4:63 bad-ledger: there is no parameter `shema`
            = did you mean `schema`?
        ");
        insta::assert_snapshot!(environment("ledger: \"postgres://db/x?sslmode=require\""), @r"
        campaignctl.yaml:4:63 bad-ledger: `sslmode` is `verify-full`, or `disable` for a server on this machine
            = remove it: by default the connection is encrypted, and the server's certificate and name are proven
        ");
        insta::assert_snapshot!(environment("ledger: \"postgres://db/x?sslmode=disable\""), @r"
        campaignctl.yaml:4:63 bad-ledger: the server is on another machine, so the connection has to be encrypted
            = remove `sslmode=disable`
        ");
    }

    #[test]
    fn ledgers_do_not_share_an_address() {
        insta::assert_snapshot!(
            environments("  a: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: \"postgres://db/x?ledger=l\" }\n  b: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: \"postgres://me@db:5432/x?ledger=l\" }\n"),
            @r"
        campaignctl.yaml:5:63 shared-ledger: environments `a` and `b` keep their ledgers in the same place
            campaignctl.yaml:4:63 the other ledger
            = give each environment a prefix or a `ledger=` of its own
        "
        );
        assert_eq!(
            environments(
                "  a: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: \"postgres://db/x\" }\n  b: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: \"postgres://db/x\" }\n"
            ),
            ""
        );
    }

    #[test]
    fn ledgers_do_not_share_a_directory() {
        insta::assert_snapshot!(
            environments("  a: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: x/../l }\n  b: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: ./l/ }\n"),
            @r"
        campaignctl.yaml:5:63 shared-ledger: environments `a` and `b` keep their ledgers in the same directory
            campaignctl.yaml:4:63 the other ledger
            = give each environment a directory of its own
        "
        );
        insta::assert_snapshot!(
            environments("  a: { app_id: A, workspace_id: w, endpoint: sandbox, ledger: .campaignctl }\n  b: { app_id: A, workspace_id: w, endpoint: sandbox }\n"),
            @r"
        campaignctl.yaml:5:6 shared-ledger: environments `a` and `b` keep their ledgers one inside the other
            campaignctl.yaml:4:63 the other ledger
            = give each environment a directory of its own
        "
        );
    }

    #[test]
    fn two_environments_of_one_app_are_worth_a_look() {
        insta::assert_snapshot!(
            environments("  a: { app_id: A, workspace_id: w, endpoint: \"https://h\" }\n  b: { app_id: A, workspace_id: w, endpoint: \"https://h/\" }\n"),
            @r"
        campaignctl.yaml:5:33 shared-app?: environments `a` and `b` push to the same app
            campaignctl.yaml:4:33 the same app and workspace
            = a campaign that is applied in both reaches people twice: give one another workspace
        "
        );
    }

    #[test]
    fn an_environments_name_is_plain() {
        insta::assert_snapshot!(environments("  \"a/b\": { app_id: A, workspace_id: w, endpoint: sandbox }\n"), @r"
        campaignctl.yaml:4:3 bad-name: `a/b` is not 1 to 64 letters, digits, `-`, `_` or `.` that start with a letter or digit
            = an environment's name goes into message keys: rename it
        ");
    }

    #[test]
    fn the_app_id_of_a_new_project_file_serves_the_sandbox_alone() {
        let project = |endpoint: &str| {
            let environment = format!("app_id: ONEX0000000000000, workspace_id: w, endpoint: {endpoint}");
            let project = format!("version: 1\nproject: p\nenvironments: {{ e: {{ {environment} }} }}\n");
            diagnose_files(&[("campaignctl.yaml", project.as_str()), ("a.yaml", &campaign(""))])
        };
        assert_eq!(project("sandbox"), "");
        insta::assert_snapshot!(project("\"https://mpaas.cn-hangzhou.aliyuncs.com\""), @r"
        campaignctl.yaml:3:30 unedited-skeleton: `ONEX0000000000000` stands for an app id that was to be filled in
            = write the app id that the mPaaS console shows for your app
        ");
    }
}
