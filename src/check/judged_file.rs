//! A campaign file that was judged by itself: its declarations, and what remains of those whose shape has a mistake.
//!
//! Knows no other file.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::check::declaration::{Declaration, Section};
use crate::check::judged::{Judged, Sections};
use crate::check::project::BindPeriod;
use crate::check::remains::RemainsJudged;
use crate::check::{Declared, audience, campaign, classification, names, project, strategy, template};
use crate::diagnostic::{Diagnostic, Source};
use crate::load::model::{CampaignFile, ProjectFile};
use crate::load::{Document, Places};

/// What a campaign file declares, judged as far as it can be by itself.
#[derive(Debug)]
pub struct JudgedFile {
    places: Arc<Places>,
    pub(super) sections: Sections,
    /// What is sound of declarations whose shape has a mistake.
    pub(super) remains: RemainsJudged,
}

impl JudgedFile {
    /// Returns the file's text.
    pub(super) fn source(&self) -> &Arc<Source> {
        self.places.source()
    }
}

/// Applies the rules that need no other campaign file: of a name that is declared twice, to each.
#[must_use]
pub fn file(project: Option<&Document<ProjectFile>>, document: &Document<CampaignFile>) -> JudgedFile {
    let places = Arc::new(document.places());
    let sections = of_model(project, (document, &places), document.model());
    let remains = document.remains().map(|remains| {
        let rest = of_model(project, (document, &places), remains.model());
        RemainsJudged::of(rest, remains)
    });
    JudgedFile { places, sections, remains: remains.unwrap_or_default() }
}

fn of_model(
    project: Option<&Document<ProjectFile>>,
    (document, places): (&Document<CampaignFile>, &Arc<Places>),
    model: &CampaignFile,
) -> Sections {
    let zone = zone(project);
    let period = BindPeriod::of(project);
    let mut bad_names = Vec::new();
    let CampaignFile { templates, audiences, classifications, strategies, campaigns } = model;
    let mut of = Of { document, places, bad_names: &mut bad_names };
    Sections {
        templates: of.each(Section::Templates, templates, template::template),
        audiences: of.each(Section::Audiences, audiences, |out, declaration| {
            audience::audience(out, declaration, period)
        }),
        classifications: of.each(Section::Classifications, classifications, |out, declaration| {
            Some(classification::classification(out, declaration))
        }),
        strategies: of.each(Section::Strategies, strategies, |out, declaration| {
            strategy::strategy(out, declaration, zone)
        }),
        campaigns: of.each(Section::Campaigns, campaigns, |out, declaration| {
            campaign::own_content(out, declaration, zone)
        }),
        bad_names,
    }
}

fn zone(project: Option<&Document<ProjectFile>>) -> Tz {
    project.map_or(project::DEFAULT_TIME_ZONE, project::time_zone)
}

struct Of<'file> {
    document: &'file Document<CampaignFile>,
    places: &'file Arc<Places>,
    bad_names: &'file mut Vec<Diagnostic>,
}

impl Of<'_> {
    /// Applies the rules of one section to each of its declarations.
    fn each<T, S: Clone>(
        &mut self,
        section: Section,
        entries: &BTreeMap<String, Box<S>>,
        rules: impl Fn(&mut Vec<Diagnostic>, &Declaration<'_, S>) -> Option<T>,
    ) -> Vec<Judged<T, S>> {
        let judged = entries.iter().map(|(name, syntax)| {
            let declaration = Declaration { section, name, syntax: &**syntax, document: self.document };
            names::bad_name(self.bad_names, &declaration);
            let mut mistakes = Vec::new();
            let value = rules(&mut mistakes, &declaration);
            let is_sound = !mistakes.iter().any(Diagnostic::is_error);
            Judged {
                section,
                name: name.clone(),
                places: Arc::clone(self.places),
                says: value
                    .filter(|_| is_sound)
                    .map(|value| Box::new(Declared { value, declared_at: declaration.declared_at() }))
                    .ok_or_else(|| syntax.clone()),
                mistakes,
            }
        });
        judged.collect()
    }
}
