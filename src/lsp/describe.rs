//! What a name means, in the editor's Markdown: the message, who gets it, when it fires.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::check::{AudienceSource, OwnContent};
use crate::domain::{self, CampaignId, Life, Schedule, Template, VENDOR_OFFSET_SECONDS};
use crate::lsp::analysis::{Analysis, value};
use crate::lsp::audiences::Size;
use crate::lsp::names::{Kind, Name};
use crate::render::text;
use crate::render::window::window;

/// Most firing times that are shown.
const TIMES_MAX: usize = 10;

/// Describes a name as it is at `now`; nothing of a name that nobody declares.
pub(super) fn describe(analysis: &Analysis, name: &Name, now: DateTime<Utc>) -> Option<String> {
    let declaration = analysis.names.declarations(name).first()?;
    let (kind, own_name) = name;
    let mut parts = vec![format!("{} `{own_name}` · `{}`", kind.noun(), declaration.site.shown)];
    let checked = &analysis.checked;
    match kind {
        Kind::Template => {
            let template = value(checked.templates.get(own_name));
            parts.extend(template.map(|template| message(template, &BTreeMap::new())));
        }
        Kind::Audience => parts.extend(audience(analysis, own_name)),
        Kind::Strategy => parts.extend(strategy(analysis, own_name, None, now)),
        Kind::Campaign => parts.extend(campaign(analysis, own_name, now)),
        Kind::Classification | Kind::Environment => parts.push(fenced("yaml", &declaration.written)),
    }
    if analysis.outdated.contains(name) {
        parts.push("As it was before the mistake that is in it now.".to_owned());
    } else if parts.len() == 1 {
        parts.push("There is a mistake in it.".to_owned());
    }
    Some(parts.join("\n\n"))
}

fn campaign(analysis: &Analysis, name: &str, now: DateTime<Utc>) -> Vec<String> {
    let id: Option<CampaignId> = name.parse().ok();
    let checked = &analysis.checked;
    let Some(own) = id.and_then(|id| value(checked.campaigns.get(&id))) else { return Vec::new() };
    let mut parts = Vec::new();
    let template = value(checked.templates.get(&own.template));
    parts.extend(template.map(|template| message(template, &own.values)));
    let columns = own.values_from.iter();
    let columns: Vec<String> =
        columns.map(|(name, column)| format!("`#{name}#` from `{}`", text::plain(&column.name))).collect();
    if !columns.is_empty() {
        parts.push(format!("For each target its own: {}.", columns.join(", ")));
    }
    parts.extend(audience(analysis, &own.audience).map(|text| format!("To `{}`: {text}", own.audience)));
    parts.extend(
        strategy(analysis, &own.strategy, Some(own), now).map(|text| format!("`{}`: {text}", own.strategy)),
    );
    parts
}

/// Returns title and body with what `values` fill in.
fn message(template: &Template, values: &BTreeMap<String, String>) -> String {
    let filled = |text: &str| domain::render(text, values);
    fenced("text", &format!("{}\n{}", filled(&template.title), filled(&template.body)))
}

/// Returns who is in an audience.
fn audience(analysis: &Analysis, name: &str) -> Option<String> {
    let source = value(analysis.checked.audiences.get(name))?;
    let count = |noun: &str| match analysis.audiences.size(name) {
        Some(Size::Targets(targets)) => text::count(targets, noun),
        Some(Size::Unread { bytes }) => {
            format!("{} MiB, more than is read while you type", text::number(bytes / 1024 / 1024))
        }
        None => "not read, as no sound campaign uses it".to_owned(),
    };
    Some(match source {
        AudienceSource::Broadcast(broadcast) => {
            let (platform, login) = (broadcast.platform.as_str(), broadcast.login.as_str());
            let within = broadcast.within.map(|within| format!(", `within: {}`", within.as_str()));
            let within = within.unwrap_or_default();
            format!("everyone on {platform} by broadcast: `login: {login}`{within}")
        }
        AudienceSource::Inline(kind, ids) => match analysis.audiences.size(name) {
            Some(Size::Targets(targets)) => {
                format!("{}, listed here as `{}`", text::count(targets, "target"), kind.as_str())
            }
            _ => format!("{}, listed here as `{}`", text::count(ids.len() as u64, "id"), kind.as_str()),
        },
        AudienceSource::File { kind, file, .. } => {
            let within = file.column_or_field.as_ref().map(|name| format!(", `{name}`")).unwrap_or_default();
            format!("`{}` in `{}`{within}: {}", kind.as_str(), text::plain(&file.shown_as), count("target"))
        }
    })
}

/// Returns when a strategy fires next, in the project's zone, and in the vendor's where that differs.
fn strategy(analysis: &Analysis, name: &str, own: Option<&OwnContent>, now: DateTime<Utc>) -> Option<String> {
    let strategy = value(analysis.checked.strategies.get(name))?;
    let (project, schedule) = (analysis.checked.project.as_ref(), &strategy.schedule);
    let zone = project.map_or(Tz::Asia__Shanghai, |project| project.time_zone);
    let is_closed = own.is_some_and(|own| own.is_closed);
    if *schedule == Schedule::Now {
        let audience = own.and_then(|own| value(analysis.checked.audiences.get(&own.audience)));
        let is_broadcast = matches!(audience, Some(AudienceSource::Broadcast(_)));
        let life = Life {
            not_before: strategy.not_before,
            not_after: strategy.not_after,
            open_for: strategy.open_for.or(project.map(|project| project.open_for)).unwrap_or_default(),
            open_until: own.and_then(|own| own.open_until),
            is_closed,
        };
        return Some(window(&life, is_broadcast, now, zone).join("; "));
    }
    if is_closed {
        return Some("never: it is closed in the file".to_owned());
    }
    let times: Vec<DateTime<Utc>> = schedule.firing_times_after(now).take(TIMES_MAX + 1).collect();
    if times.is_empty() {
        return Some("over: it does not fire again".to_owned());
    }
    let shown = times.iter().take(TIMES_MAX).map(|at| format!("- {}", time(*at, zone)));
    let more = (times.len() > TIMES_MAX).then(|| "- …".to_owned());
    Some(format!("fires next\n\n{}", shown.chain(more).collect::<Vec<_>>().join("\n")))
}

fn time(at: DateTime<Utc>, zone: Tz) -> String {
    text::time_in_both_zones(at, zone, VENDOR_OFFSET_SECONDS)
}

/// Returns foreign text that no Markdown in it can break out of.
fn fenced(language: &str, foreign: &str) -> String {
    let longest = foreign.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}{language}\n{foreign}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_in_its_fence() {
        assert_eq!(fenced("text", "a ``` b"), "````text\na ``` b\n````");
    }

    #[test]
    fn times_are_shown_in_both_zones_where_they_differ() {
        let at = "2026-12-15T01:00:00Z".parse().unwrap();
        assert_eq!(time(at, Tz::Asia__Shanghai), "Tue 2026-12-15 09:00 Asia/Shanghai");
        assert_eq!(
            time(at, Tz::America__New_York),
            "Mon 2026-12-14 20:00 America/New_York (Tue 2026-12-15 09:00 UTC+8)"
        );
    }
}
