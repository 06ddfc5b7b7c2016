//! The rules about what was written.
//!
//! Turns syntax into domain values and every mistake into a diagnostic, one function for each rule, all of
//! them in one run. Knows no clock, no ledger and no network: rules that need those are guards of `plan`.
//! `load` comes before, `resolve` after.

mod api_version;
mod audience;
mod audience_file;
mod call;
mod campaign;
mod checked;
mod classification;
mod comment;
mod declaration;
mod duration;
mod environment;
mod fit;
mod json;
mod live_activity;
mod names;
mod params;
mod placeholders;
mod project;
mod repeat_zone;
mod sms;
mod strategy;
mod template;
#[cfg(test)]
mod testing;
mod text_length;
mod text_limits;
mod time;
mod transparent;
mod values_from;
mod wire_text;

use std::collections::BTreeMap;

pub use checked::{AudienceSource, Checked, Declared, OwnContent, Project, Strategy, ValueColumn};
pub use text_limits::{Channels, Excess, Measure, TEXT_BYTES_MAX, Text};

use crate::check::declaration::{ByName, Declaration, Declarations, Section};
use crate::diagnostic::{self, Diagnostic};
use crate::domain::CampaignId;
use crate::load::Workspace;
use crate::load::model::{AudienceSyntax, CampaignSyntax, TemplateSyntax};

/// Applies every rule. What has a mistake is left out of the values; the diagnostics are sorted, and very many of one
/// kind are counted.
#[must_use]
pub fn workspace(workspace: &Workspace) -> (Checked, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let declared = Declarations::gather(&mut out, workspace);
    let project = workspace.project.as_deref().and_then(|document| project::project(&mut out, document));
    let zone = workspace.project.as_deref().map_or(project::DEFAULT_TIME_ZONE, project::time_zone);

    let templates = sound(&mut out, &declared.templates, template::template);
    template::template_name_twice(&mut out, &declared.templates);
    let audiences = sound(&mut out, &declared.audiences, audience::audience);
    let classifications = sound(&mut out, &declared.classifications, |out, declaration| {
        Some(classification::classification(out, declaration))
    });
    let strategies =
        sound(&mut out, &declared.strategies, |out, declaration| strategy::strategy(out, declaration, zone));
    let campaigns = sound(&mut out, &declared.campaigns, |out, declaration| {
        let parts = find_parts(out, workspace, &declared, declaration);
        fit::fit(out, declaration, &parts);
        campaign::own_content(out, declaration, zone)
    });
    let campaigns = campaigns
        .into_iter()
        .filter_map(|(name, campaign)| name.parse::<CampaignId>().ok().map(|id| (id, campaign)))
        .collect();

    text_length::text_too_long(&mut out, &declared);
    names::unused_name(&mut out, workspace, &declared);
    if let Some(document) = workspace.project.as_deref() {
        api_version::api_version_lacks(&mut out, document, &declared);
    }
    diagnostic::sort(&mut out);
    diagnostic::limit_alike(&mut out);
    let of_project = workspace.project.iter().map(|document| document.source());
    let sources = of_project.chain(workspace.files.iter().map(|document| document.source()));
    let sources = sources.cloned().collect();
    (Checked { sources, project, templates, audiences, classifications, strategies, campaigns }, out)
}

/// What a campaign refers to, as far as it is declared.
struct Parts<'declared, 'workspace> {
    template: Option<&'declared Declaration<'workspace, TemplateSyntax>>,
    audience: Option<&'declared Declaration<'workspace, AudienceSyntax>>,
}

fn find_parts<'declared, 'workspace>(
    out: &mut Vec<Diagnostic>,
    workspace: &Workspace,
    declared: &'declared Declarations<'workspace>,
    campaign: &Declaration<'_, CampaignSyntax>,
) -> Parts<'declared, 'workspace> {
    let syntax = campaign.syntax;
    let templates = (Section::Templates, &declared.templates);
    let audiences = (Section::Audiences, &declared.audiences);
    let strategies = (Section::Strategies, &declared.strategies);
    let classifications = (Section::Classifications, &declared.classifications);
    names::unknown_name(out, workspace, strategies, &syntax.strategy, || campaign.value(&["strategy"]));
    if let Some(name) = &syntax.classification {
        names::unknown_name(out, workspace, classifications, name, || campaign.value(&["classification"]));
    }
    Parts {
        template: names::unknown_name(out, workspace, templates, &syntax.template, || {
            campaign.value(&["template"])
        }),
        audience: names::unknown_name(out, workspace, audiences, &syntax.audience, || {
            campaign.value(&["audience"])
        }),
    }
}

/// Applies the rules of one section to each of its declarations, and keeps the values of those without an error.
fn sound<S, T>(
    out: &mut Vec<Diagnostic>,
    declarations: &ByName<'_, S>,
    mut rules: impl FnMut(&mut Vec<Diagnostic>, &Declaration<'_, S>) -> Option<T>,
) -> BTreeMap<String, Declared<T>> {
    // A map that is made of a sorted list has no gaps in its nodes.
    let mut values = Vec::with_capacity(declarations.len());
    for declaration in declarations.values() {
        let before = out.len();
        let value = rules(out, declaration);
        if let Some(value) = value
            && !out[before..].iter().any(Diagnostic::is_error)
        {
            let declared_at = declaration.declared_at();
            values.push((declaration.name.to_owned(), Declared { value, declared_at }));
        }
    }
    values.into_iter().collect()
}
