//! The rules about what was written.
//!
//! Turns syntax into domain values and every mistake into a diagnostic, one function for each rule, all of
//! them in one run. Knows no clock, no ledger and no network: rules that need those are guards.
//! `load` comes before, `resolve` after.
//!
//! Its files are layers, and none looks up: words and texts; a declaration by itself, as it is written; what it was judged
//! to be (`judged`, `views`); several of them together.
//!
//! A campaign file is judged by itself where it is read (`file`), and its text and sound values are all that is kept of it:
//! few files are in memory as syntax at a time. The rules about several declarations go by those values (`together`);
//! where one has something to say, the text is read once more for the place.

mod api_version;
mod audience;
mod audience_file;
mod call;
mod campaign;
mod checked;
mod classification;
mod comment;
mod declaration;
mod declared;
mod duration;
mod environment;
mod fit;
mod foreign_placeholder;
mod group;
mod json;
mod judged;
mod judged_file;
mod live_activity;
mod names;
mod open_for;
mod params;
mod placeholders;
mod project;
mod references;
mod remains;
mod repeat_zone;
mod review_policy;
mod skeleton;
mod sms;
mod strategy;
mod suspicion;
mod template;
#[cfg(test)]
mod testing;
mod text_length;
mod text_limits;
mod texts;
mod time;
mod transparent;
mod values_from;
mod views;
mod wire_text;

use std::collections::BTreeSet;

pub use checked::{AudienceSource, Checked, Declared, OwnContent, Project, Strategy, ValueColumn};
pub use foreign_placeholder::ForeignPlaceholder;
pub use judged_file::{JudgedFile, file};
pub use suspicion::Suspicion;
pub use text_limits::{Channels, Excess, TEXT_BYTES_MAX, Text};

use crate::check::declaration::Section;
use crate::check::declared::{ByName, Declarations};
use crate::check::judged::{Judged, JudgedAudience, JudgedCampaign, JudgedStrategy, JudgedTemplate};
use crate::diagnostic::{self, Diagnostic};
use crate::domain::CampaignId;
use crate::load::{Document, Workspace};

/// Applies every rule. What has a mistake is left out of the values; the diagnostics are sorted, and very many of one
/// kind are counted.
#[must_use]
pub fn workspace(workspace: &Workspace) -> (Checked, Vec<Diagnostic>) {
    let project = workspace.project.as_deref();
    together(workspace.map(|document| file(project, document)))
}

/// Does the same with files that were judged by themselves already, each where it was read.
#[must_use]
pub fn together(workspace: Workspace<JudgedFile>) -> (Checked, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let declared = Declarations::gather(&mut out, &workspace.files);
    let document = workspace.project.as_deref();
    let project = document.and_then(|document| project::project(&mut out, document));
    own_mistakes(&mut out, &declared.templates);
    declared::template_name_twice(&mut out, &declared.templates);
    own_mistakes(&mut out, &declared.audiences);
    own_mistakes(&mut out, &declared.classifications);
    own_mistakes(&mut out, &declared.strategies);
    let (mut used, mut too_long) = (references::Used::default(), text_length::TooLong::default());
    let mut unedited = skeleton::Unedited::default();
    let mut unsound: BTreeSet<String> = BTreeSet::new();
    let mut named_audiences: BTreeSet<String> = BTreeSet::new();
    for (name, &campaign) in &declared.campaigns {
        let before = out.len();
        let parts = find_parts(&mut out, &workspace, &declared, campaign);
        fit::fit(&mut out, campaign, &parts);
        unedited.look(&mut out, campaign, &parts);
        if out[before..].iter().any(Diagnostic::is_error) {
            unsound.insert((*name).to_owned());
        }
        out.extend_from_slice(&campaign.mistakes);
        named_audiences.insert(campaign.view().audience.to_owned());
        used.take(campaign);
        too_long.measure(campaign, &parts);
    }
    for file in &workspace.files {
        out.extend_from_slice(&file.remains.mistakes);
        file.remains.campaigns(&mut out, |out, campaign| {
            let parts = find_parts(out, &workspace, &declared, campaign);
            fit::fit(out, campaign, &parts);
            named_audiences.insert(campaign.view().audience.to_owned());
        });
    }
    too_long.report(&mut out, &declared);
    used.report(&mut out, &workspace, &declared);
    if let Some(document) = document {
        api_version::api_version_lacks(&mut out, document, &declared);
    }
    diagnostic::sort(&mut out);
    diagnostic::limit_alike(&mut out);
    let of_project = document.into_iter().map(Document::source);
    let sources = of_project.chain(workspace.files.iter().map(JudgedFile::source)).cloned().collect();
    (Checked { sources, project, named_audiences, ..values(workspace.files, &unsound) }, out)
}

/// Reports what is wrong with each declaration in itself.
fn own_mistakes<T, S>(out: &mut Vec<Diagnostic>, declarations: &ByName<'_, Judged<T, S>>) {
    out.extend(declarations.values().flat_map(|declaration| &declaration.mistakes).cloned());
}

/// Takes the sound values out of the files.
fn values(mut files: Vec<JudgedFile>, unsound: &BTreeSet<String>) -> Checked {
    let campaigns = declared::into_values(&mut files, |file| &mut file.sections.campaigns);
    let sound = campaigns.into_iter().filter(|(name, _)| !unsound.contains(name));
    Checked {
        templates: declared::into_values(&mut files, |file| &mut file.sections.templates),
        audiences: declared::into_values(&mut files, |file| &mut file.sections.audiences),
        classifications: declared::into_values(&mut files, |file| &mut file.sections.classifications),
        strategies: declared::into_values(&mut files, |file| &mut file.sections.strategies),
        campaigns: sound
            .filter_map(|(name, campaign)| Some((name.parse::<CampaignId>().ok()?, campaign)))
            .collect(),
        ..Checked::default()
    }
}

/// What a campaign refers to, as far as it is declared.
struct Parts<'files> {
    template: Option<&'files JudgedTemplate>,
    audience: Option<&'files JudgedAudience>,
    strategy: Option<&'files JudgedStrategy>,
}

fn find_parts<'files>(
    out: &mut Vec<Diagnostic>,
    workspace: &Workspace<JudgedFile>,
    declared: &Declarations<'files>,
    campaign: &JudgedCampaign,
) -> Parts<'files> {
    let view = campaign.view();
    let templates = (Section::Templates, &declared.templates);
    let audiences = (Section::Audiences, &declared.audiences);
    let strategies = (Section::Strategies, &declared.strategies);
    let classifications = (Section::Classifications, &declared.classifications);
    let strategy =
        references::unknown_name(out, workspace, strategies, view.strategy, || campaign.value(&["strategy"]));
    if let Some(name) = view.classification {
        references::unknown_name(out, workspace, classifications, name, || {
            campaign.value(&["classification"])
        });
    }
    Parts {
        template: references::unknown_name(out, workspace, templates, view.template, || {
            campaign.value(&["template"])
        }),
        audience: references::unknown_name(out, workspace, audiences, view.audience, || {
            campaign.value(&["audience"])
        }),
        strategy,
    }
}
