//! Rules about the project file.

use std::collections::BTreeMap;

use chrono_tz::{TZ_VARIANTS, Tz};

use crate::check::{Project, environment, names, open_for, review_policy};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::domain::{Environment, EnvironmentName, OpenFor, ProjectName};
use crate::load::Document;
use crate::load::model::{ApiVersionSyntax, LimitsSyntax, ProjectFile};
use crate::load::targets::Limits;

/// The zone of a project that names none: the vendor's.
pub(super) const DEFAULT_TIME_ZONE: Tz = Tz::Asia__Shanghai;

/// What people call the vendor's zone, and the IANA data does not.
const CALLED_SHANGHAI: [&str; 6] = ["Asia/Beijing", "Beijing", "CST", "UTC+8", "GMT+8", "+08:00"];

/// Whether the environments' API versions have the parameter `BindPeriod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindPeriod {
    Known,
    /// Every environment has version 2019-08-21.
    Unknown,
}

impl BindPeriod {
    /// Asks the environments of a project; one that is not there has the current version.
    pub(super) fn of(project: Option<&Document<ProjectFile>>) -> Self {
        let environments = project.map(|document| &document.model().environments);
        let is_unknown = environments.is_some_and(|environments| {
            let mut versions = environments.values().map(|environment| environment.api_version);
            !environments.is_empty() && versions.all(|version| version == Some(ApiVersionSyntax::V20190821))
        });
        if is_unknown { Self::Unknown } else { Self::Known }
    }
}

/// Applies the rules of the project file.
pub(super) fn project(out: &mut Vec<Diagnostic>, document: &Document<ProjectFile>) -> Option<Project> {
    let before = out.len();
    let name = bad_name(out, document);
    bad_time_zone(out, document);
    reversed_zone(out, document);
    unknown_default(out, document);
    let open_for = match &document.model().open_for {
        Some(text) => open_for::read(out, text, || document.value(&["open_for"])).unwrap_or_default(),
        None => OpenFor::DEFAULT,
    };
    let review_valid = review_policy::valid(out, document);
    let mut environments = BTreeMap::new();
    for name in document.model().environments.keys() {
        if let Some(environment) = environment::environment(out, document, name) {
            environments.insert(environment.name.clone(), environment);
        }
    }
    let in_order: Vec<&Environment> = environments.values().collect();
    environment::shared_ledger(out, document, &in_order);
    environment::shared_app(out, document, &in_order);
    let is_sound = !out[before..].iter().any(Diagnostic::is_error);
    let default_environment =
        document.model().default_environment.as_ref().and_then(|name| name.parse::<EnvironmentName>().ok());
    let name = name.filter(|_| is_sound)?;
    let limits = limits(document.model().limits.unwrap_or_default());
    Some(Project {
        name,
        time_zone: time_zone(document),
        open_for,
        review_valid,
        default_environment,
        limits,
        environments,
    })
}

/// Returns the bounds of audience files; the default ones where none are written.
fn limits(written: LimitsSyntax) -> Limits {
    let default = Limits::default();
    let line_bytes = written.audience_line_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    Limits {
        rows: written.audience_rows.unwrap_or(default.rows),
        unpacked_bytes: written.audience_unpacked_bytes.unwrap_or(default.unpacked_bytes),
        line_bytes: line_bytes.unwrap_or(default.line_bytes),
        ratio: written.audience_ratio.unwrap_or(default.ratio),
    }
}

/// Returns the project's zone; the default one where the file has a mistake there.
pub(super) fn time_zone(document: &Document<ProjectFile>) -> Tz {
    let written = document.model().time_zone.as_ref();
    written.and_then(|name| name.parse().ok()).unwrap_or(DEFAULT_TIME_ZONE)
}

/// `bad-name`: the project's name goes into message keys.
fn bad_name(out: &mut Vec<Diagnostic>, document: &Document<ProjectFile>) -> Option<ProjectName> {
    match document.model().project.parse::<ProjectName>() {
        Ok(name) => Some(name),
        Err(error) => {
            let place = document.value(&["project"]);
            let diagnostic = Diagnostic::error(Code::BadName, place, error.to_string());
            out.push(diagnostic.help("the project's name goes into message keys: choose another"));
            None
        }
    }
}

/// `bad-time-zone`: the zone must be in the IANA data.
fn bad_time_zone(out: &mut Vec<Diagnostic>, document: &Document<ProjectFile>) {
    let Some(name) = &document.model().time_zone else { return };
    if name.parse::<Tz>().is_ok() {
        return;
    }
    let meant = closest(name, TZ_VARIANTS.iter().map(|zone| zone.name()));
    let is_beijing = |known: &str| known.eq_ignore_ascii_case(name) || closest(name, [known]).is_some();
    let help = match meant {
        _ if CALLED_SHANGHAI.iter().any(|known| is_beijing(known)) => "write `Asia/Shanghai`".to_owned(),
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write a name of the IANA data, such as `Asia/Shanghai`".to_owned(),
    };
    let message = format!("no time zone named `{name}`");
    out.push(Diagnostic::error(Code::BadTimeZone, document.value(&["time_zone"]), message).help(help));
}

/// `reversed-zone`: of `Etc/GMT+8`, the IANA data has the sign of POSIX: eight hours behind UTC.
fn reversed_zone(out: &mut Vec<Diagnostic>, document: &Document<ProjectFile>) {
    let Some(name) = &document.model().time_zone else { return };
    let Some(offset) = name.strip_prefix("Etc/GMT") else { return };
    let Some(hours) = offset.strip_prefix(['+', '-']).filter(|hours| *hours != "0") else { return };
    if name.parse::<Tz>().is_err() {
        return;
    }
    let (is, other) = if offset.starts_with('+') { ("behind", '-') } else { ("ahead of", '+') };
    let hour = if hours == "1" { "hour" } else { "hours" };
    let message = format!("`{name}` is {hours} {hour} {is} UTC: the signs of these zones are reversed");
    let help = match hours {
        "8" => "for China, write `Asia/Shanghai`".to_owned(),
        _ => format!("write the zone of a city; UTC{}{hours} is `Etc/GMT{other}{hours}`", &offset[..1]),
    };
    out.push(Diagnostic::warning(Code::ReversedZone, document.value(&["time_zone"]), message).help(help));
}

/// `unknown-name`: the default environment must be one of the environments.
fn unknown_default(out: &mut Vec<Diagnostic>, document: &Document<ProjectFile>) {
    let Some(name) = &document.model().default_environment else { return };
    let environments = &document.model().environments;
    if environments.contains_key(name) || document.is_broken(&["environments", name]) {
        return;
    }
    let known = environments.keys().map(String::as_str);
    let help = names::did_you_mean(name, known, "declare it under `environments:`");
    let place = document.value(&["default_environment"]);
    out.push(
        Diagnostic::error(Code::UnknownName, place, format!("no environment named `{name}`")).help(help),
    );
}

#[cfg(test)]
mod tests {
    use crate::check::testing::diagnose_project;

    const PROJECT: &str = "\
version: 1
project: acme
time_zone: Asia/Shanghai
default_environment: sandbox
environments:
  sandbox: { app_id: A, workspace_id: test, endpoint: sandbox }
";

    #[test]
    fn a_sound_project_has_no_diagnostics() {
        assert_eq!(diagnose_project(PROJECT), "");
    }

    #[test]
    fn names_and_zones_must_exist() {
        let text = PROJECT
            .replace("acme", "阿克米")
            .replace("/Shanghai", "/Shangai")
            .replace(": sandbox\nenv", ": sandbx\nenv");
        insta::assert_snapshot!(diagnose_project(&text), @r"
        campaignctl.yaml:2:10 bad-name: `阿克米` is not 1 to 64 letters, digits, `-`, `_` or `.` that start with a letter or digit
            = the project's name goes into message keys: choose another
        campaignctl.yaml:3:12 bad-time-zone: no time zone named `Asia/Shangai`
            = did you mean `Asia/Shanghai`?
        campaignctl.yaml:4:22 unknown-name: no environment named `sandbx`
            = did you mean `sandbox`?
        ");
        for wrong in ["beijing", "Asia/Bejing", "CST", "UTC+08"] {
            let printed = diagnose_project(&PROJECT.replace("Asia/Shanghai", wrong));
            assert!(printed.contains("write `Asia/Shanghai`"), "{printed}");
        }
        insta::assert_snapshot!(diagnose_project(&PROJECT.replace("Asia/Shanghai", "UTC+8")), @r"
        campaignctl.yaml:3:12 bad-time-zone: no time zone named `UTC+8`
            = write `Asia/Shanghai`
        ");
    }

    #[test]
    fn a_zone_whose_sign_is_reversed_is_worth_a_look() {
        let zone = |name: &str| diagnose_project(&PROJECT.replace("Asia/Shanghai", name));
        insta::assert_snapshot!(zone("Etc/GMT+8"), @r"
        campaignctl.yaml:3:12 reversed-zone?: `Etc/GMT+8` is 8 hours behind UTC: the signs of these zones are reversed
            = for China, write `Asia/Shanghai`
        ");
        insta::assert_snapshot!(zone("Etc/GMT-9"), @r"
        campaignctl.yaml:3:12 reversed-zone?: `Etc/GMT-9` is 9 hours ahead of UTC: the signs of these zones are reversed
            = write the zone of a city; UTC-9 is `Etc/GMT+9`
        ");
        for sound in ["Etc/UTC", "Etc/GMT", "Etc/GMT+0", "Asia/Tokyo"] {
            assert_eq!(zone(sound), "", "{sound}");
        }
    }

    #[test]
    fn a_default_environment_with_a_mistake_is_not_unknown() {
        insta::assert_snapshot!(diagnose_project(&PROJECT.replace("app_id: A", "app_id: 1")), @r#"
        campaignctl.yaml:6:22 wrong-type: `app_id` takes text, not the number 1
            = quote it: "1"
        "#);
    }
}
