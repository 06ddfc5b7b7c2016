//! Rules about audiences.

use std::collections::BTreeMap;

use crate::check::declaration::Declaration;
use crate::check::group::{platform, targets};
use crate::check::project::BindPeriod;
use crate::check::{AudienceSource, Suspicion, audience_file};
use crate::diagnostic::{Code, Diagnostic, Place, number};
use crate::domain::{Broadcast, Login, TargetId, TargetKind, Within};
use crate::load::model::{AudienceSyntax, BroadcastSyntax, LoginSyntax, TargetsSyntax, WithinSyntax};

/// Applies the rules of one audience.
pub(super) fn audience(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    period: BindPeriod,
) -> Option<AudienceSource> {
    audience_kind(out, declaration);
    let mut sources = Vec::new();
    for (kind, syntax) in targets(declaration.syntax) {
        sources.push(match syntax {
            TargetsSyntax::Inline(ids) => Some(inline(out, declaration, kind, ids)),
            TargetsSyntax::File(file) => audience_file::file_source(out, declaration, kind, file),
        });
    }
    if let Some(syntax) = &declaration.syntax.broadcast {
        sources.push(broadcast(out, declaration, syntax, period).map(AudienceSource::Broadcast));
    }
    match <[_; 1]>::try_from(sources) {
        Ok([source]) => source,
        Err(_) => None,
    }
}

/// `audience-kind`: one request of the vendor takes ids of one kind only (`DeliveryType`).
fn audience_kind(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, AudienceSyntax>) {
    let mut keys: Vec<&str> = targets(declaration.syntax).map(|(kind, _)| kind.as_str()).collect();
    if declaration.syntax.broadcast.is_some() {
        keys.push("broadcast");
    }
    keys.sort_by_key(|key| {
        let place = declaration.key(&[key]);
        (place.line(), place.column())
    });
    let name = declaration.name;
    match keys.as_slice() {
        [_] => {}
        [] => out.push(
            Diagnostic::error(
                Code::AudienceKind,
                declaration.declared_at(),
                format!("audience `{name}` does not say who is in it"),
            )
            .help("give it one of `users`, `android_devices`, `ios_devices`, `harmonyos_devices`, `live_activity_tokens`, `live_activities` or `broadcast`"),
        ),
        [first, second, ..] => out.push(
            Diagnostic::error(
                Code::AudienceKind,
                declaration.key(&[second]),
                format!("audience `{name}` holds both `{first}` and `{second}`"),
            )
            .related(declaration.key(&[first]), "the other kind")
            .help("one request takes one kind: make an audience and a campaign for each"),
        ),
    }
}

fn inline(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    kind: TargetKind,
    ids: &[String],
) -> AudienceSource {
    let key = kind.as_str();
    if ids.is_empty() {
        audience_empty(out, declaration, key);
    }
    let mut sorted: Vec<&str> = ids.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let stands_twice = sorted.windows(2).any(|pair| pair[0] == pair[1]);
    let mut first_at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut targets = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let place = || declaration.value(&[key, &index.to_string()]);
        match id.parse::<TargetId>() {
            Ok(target) => targets.push(target),
            Err(error) => {
                let diagnostic = Diagnostic::error(Code::BadTarget, place(), error.to_string());
                out.push(diagnostic.help("write the id exactly as the app reports it"));
            }
        }
        if !stands_twice {
            continue;
        }
        if let Some(first) = first_at.get(id.as_str()) {
            let first = declaration.value(&[key, &first.to_string()]);
            duplicate_target(out, id, place(), first);
        } else {
            first_at.insert(id, index);
        }
    }
    suspicious_id(out, declaration, (key, ids));
    AudienceSource::Inline(kind, targets)
}

/// `suspicious-id`: of each form the first one, with how many there are.
fn suspicious_id(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    (key, ids): (&str, &[String]),
) {
    let mut found: BTreeMap<Suspicion, (usize, u64)> = BTreeMap::new();
    for (index, id) in ids.iter().enumerate() {
        if let Some(suspicion) = Suspicion::of_id(id) {
            found.entry(suspicion).or_insert((index, 0)).1 += 1;
        }
    }
    for (suspicion, (first, count)) in found {
        let (ids, rest) = match count {
            1 => ("this id".to_owned(), ""),
            count => (format!("{} ids of this list", number(count)), "; this is the first"),
        };
        let message = format!("{ids} {}{rest}", suspicion.complaint(count));
        let place = declaration.value(&[key, &first.to_string()]);
        out.push(Diagnostic::warning(Code::SuspiciousId, place, message).help(suspicion.help()));
    }
}

/// `audience-empty`: a campaign to nobody is a slip.
fn audience_empty(out: &mut Vec<Diagnostic>, declaration: &Declaration<'_, AudienceSyntax>, key: &str) {
    let message = format!("audience `{}` is empty", declaration.name);
    out.push(
        Diagnostic::error(Code::AudienceEmpty, declaration.value(&[key]), message)
            .help("list at least one id, or remove the audience and its campaigns"),
    );
}

/// `duplicate-target`: an id that stands twice gets one push; in a list that people keep by hand it is a slip.
fn duplicate_target(out: &mut Vec<Diagnostic>, id: &str, place: Place, first: Place) {
    out.push(
        Diagnostic::warning(Code::DuplicateTarget, place, format!("target `{id}` is listed twice"))
            .label("listed again")
            .related(first, "listed first")
            .help("remove one: it gets one push all the same"),
    );
}

fn broadcast(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    syntax: &BroadcastSyntax,
    period: BindPeriod,
) -> Option<Broadcast> {
    let login = match syntax.login {
        None | Some(LoginSyntax::LoggedIn) => Login::LoggedIn,
        Some(LoginSyntax::All) => Login::All,
        Some(LoginSyntax::LoggedOut) => Login::LoggedOut,
    };
    let within = match syntax.within {
        Some(WithinSyntax::Days7) => Some(Within::Days7),
        Some(WithinSyntax::Days15) => Some(Within::Days15),
        Some(WithinSyntax::Days60) => Some(Within::Days60),
        Some(WithinSyntax::Permanent) => Some(Within::Permanent),
        None if login == Login::LoggedIn && period == BindPeriod::Unknown => None,
        None => {
            missing_within(out, declaration, syntax.login, login);
            return None;
        }
    };
    Some(Broadcast { platform: platform(syntax.platform), login, within })
}

/// `missing-within`: the vendor requires `BindPeriod` with `PushStatus` 0 and `UnBindPeriod` with 1 and 2
/// (vendor page 2871129); version 2019-08-21 has no `BindPeriod` (its last SDK, 1.0.0).
fn missing_within(
    out: &mut Vec<Diagnostic>,
    declaration: &Declaration<'_, AudienceSyntax>,
    written: Option<LoginSyntax>,
    login: Login,
) {
    let place = match written {
        Some(_) => declaration.value(&["broadcast", "login"]),
        None => declaration.key(&["broadcast"]),
    };
    let message = match login {
        Login::LoggedIn => {
            "a broadcast to logged-in devices needs `within`: how long ago they logged in at most"
        }
        Login::All => "a broadcast to all devices needs `within`: how long ago they logged out at most",
        Login::LoggedOut => {
            "a broadcast to logged-out devices needs `within`: how long ago they logged out at most"
        }
    };
    out.push(
        Diagnostic::error(Code::MissingWithin, place, message)
            .help("add `within` with `7d`, `15d`, `60d` or `permanent`"),
    );
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{campaign_to, diagnose, diagnose_files};

    fn audience(audience: &str) -> String {
        diagnose(&campaign_to(audience, ""))
    }

    #[test]
    fn an_audience_holds_exactly_one_kind() {
        insta::assert_snapshot!(audience(""), @r"
        a.yaml:2:14 audience-kind: audience `a` does not say who is in it
            = give it one of `users`, `android_devices`, `ios_devices`, `harmonyos_devices`, `live_activity_tokens`, `live_activities` or `broadcast`
        ");
        insta::assert_snapshot!(audience("users: [u], ios_devices: [d]"), @r"
        a.yaml:2:31 audience-kind: audience `a` holds both `users` and `ios_devices`
            a.yaml:2:19 the other kind
            = one request takes one kind: make an audience and a campaign for each
        ");
        insta::assert_snapshot!(audience("broadcast: { platform: ios, within: 7d }, users: [u]"), @r"
        a.yaml:2:61 audience-kind: audience `a` holds both `broadcast` and `users`
            a.yaml:2:19 the other kind
            = one request takes one kind: make an audience and a campaign for each
        ");
    }

    #[test]
    fn a_list_has_ids_each_once() {
        insta::assert_snapshot!(audience("users: []"), @r"
        a.yaml:2:26 audience-empty: audience `a` is empty
            = list at least one id, or remove the audience and its campaigns
        ");
        insta::assert_snapshot!(audience("users: [u1, \"\", \"u2 \", u1, \"a\\tb\"]"), @r"
        a.yaml:2:31 bad-target: a target id cannot be empty
            = write the id exactly as the app reports it
        a.yaml:2:35 bad-target: the target id ends with white space: U+0020
            = write the id exactly as the app reports it
        a.yaml:2:42 duplicate-target?: target `u1` is listed twice
            a.yaml:2:27 listed first
            = remove one: it gets one push all the same
        a.yaml:2:46 bad-target: the target id contains the control character U+0009
            = write the id exactly as the app reports it
        ");
    }

    #[test]
    fn ids_that_a_program_has_changed_are_worth_a_look() {
        insta::assert_snapshot!(audience("users: [\"1.23457E+11\", u1, \"2.5E+11\", \"NULL\"]"), @r"
        a.yaml:2:27 suspicious-id?: 2 ids of this list look rounded by a spreadsheet, like `1.23457E+11`; this is the first
            = digits are lost: export the column as text from its original source
        a.yaml:2:57 suspicious-id?: this id looks like a missing value, such as `NULL`, `\N` or `NaN`
            = leave such rows out of the export, or fill in the value that is meant
        ");
    }

    #[test]
    fn the_old_version_alone_lets_logged_in_devices_do_without_within() {
        let project = |versions: [&str; 2]| {
            let [one, other] = versions.map(|version| match version {
                "" => String::new(),
                version => format!(", api_version: {version}"),
            });
            format!(
                "version: 1\nproject: acme\nenvironments:\n  \
                 a: {{ app_id: A, workspace_id: a, endpoint: sandbox{one} }}\n  \
                 b: {{ app_id: A, workspace_id: b, endpoint: sandbox{other} }}\n"
            )
        };
        let codes = |versions: [&str; 2], broadcast: &str| {
            let campaigns = campaign_to(&format!("broadcast: {{ platform: android{broadcast} }}"), "");
            diagnose_files(&[("campaignctl.yaml", &project(versions)), ("a.yaml", &campaigns)])
                .lines()
                .filter(|line| !line.starts_with(' '))
                .map(|line| line.split(' ').nth(1).unwrap().trim_end_matches(':').to_owned())
                .collect::<Vec<_>>()
        };
        let old = "2019-08-21";
        assert!(codes([old, old], "").is_empty());
        assert!(codes([old, old], ", login: logged_in").is_empty());
        assert_eq!(codes([old, old], ", within: 7d"), ["api-version-lacks", "api-version-lacks"]);
        for login in [", login: all", ", login: logged_out"] {
            assert_eq!(codes([old, old], login), ["missing-within"]);
        }
        for versions in [[old, ""], [old, "2020-10-28"], ["", ""]] {
            assert_eq!(codes(versions, ""), ["missing-within"], "{versions:?}");
        }
    }

    #[test]
    fn a_broadcast_says_within_in_each_case() {
        insta::assert_snapshot!(audience("broadcast: { platform: android }"), @r"
        a.yaml:2:19 missing-within: a broadcast to logged-in devices needs `within`: how long ago they logged in at most
            = add `within` with `7d`, `15d`, `60d` or `permanent`
        ");
        insta::assert_snapshot!(audience("broadcast: { platform: android, login: all }"), @r"
        a.yaml:2:58 missing-within: a broadcast to all devices needs `within`: how long ago they logged out at most
            = add `within` with `7d`, `15d`, `60d` or `permanent`
        ");
        insta::assert_snapshot!(audience("broadcast: { platform: ios, login: logged_out }"), @r"
        a.yaml:2:54 missing-within: a broadcast to logged-out devices needs `within`: how long ago they logged out at most
            = add `within` with `7d`, `15d`, `60d` or `permanent`
        ");
    }
}
