//! Every declaration of the workspace by name, and where its parts stand.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use crate::check::names;
use crate::diagnostic::{Diagnostic, Place};
use crate::load::model::{
    AudienceSyntax, CampaignFile, CampaignSyntax, ClassificationSyntax, StrategySyntax, TemplateSyntax,
};
use crate::load::{Document, Workspace};

/// The sections of a campaign file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Templates,
    Audiences,
    Classifications,
    Strategies,
    Campaigns,
}

impl Section {
    /// Returns the section's key in YAML.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Templates => "templates",
            Self::Audiences => "audiences",
            Self::Classifications => "classifications",
            Self::Strategies => "strategies",
            Self::Campaigns => "campaigns",
        }
    }

    /// Returns the word for one declaration of the section.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Templates => "template",
            Self::Audiences => "audience",
            Self::Classifications => "classification",
            Self::Strategies => "strategy",
            Self::Campaigns => "campaign",
        }
    }
}

/// One declaration: its name, what it says, and where.
#[derive(Debug)]
pub(super) struct Declaration<'workspace, S> {
    pub(super) section: Section,
    pub(super) name: &'workspace str,
    pub(super) syntax: &'workspace S,
    document: &'workspace Document<CampaignFile>,
}

impl<'workspace, S> Declaration<'workspace, S> {
    /// Returns the place of the key that declares it.
    pub(super) fn declared_at(&self) -> Place {
        self.key(&[])
    }

    /// Returns the place of a value inside it; of the nearest ancestor's where there is none.
    pub(super) fn value(&self, path: &[&str]) -> Place {
        self.document.value(&self.full(path))
    }

    /// Returns the place of a key inside it; of the nearest ancestor's where there is none.
    pub(super) fn key(&self, path: &[&str]) -> Place {
        self.document.key(&self.full(path))
    }

    /// Returns the directory that paths in it are relative to.
    pub(super) fn directory(&self) -> &'workspace Path {
        self.document.directory()
    }

    /// Returns the path of its file as messages show it.
    pub(super) fn shown_path(&self) -> &'workspace str {
        self.document.source().path()
    }

    fn full<'path>(&'path self, path: &[&'path str]) -> Vec<&'path str> {
        [self.section.as_str(), self.name].into_iter().chain(path.iter().copied()).collect()
    }
}

/// The declarations of one section by name.
pub(super) type ByName<'workspace, S> = BTreeMap<&'workspace str, Declaration<'workspace, S>>;

/// Every declaration of a workspace. Of a name that is declared twice, the first one.
#[derive(Debug)]
pub(super) struct Declarations<'workspace> {
    pub(super) templates: ByName<'workspace, TemplateSyntax>,
    pub(super) audiences: ByName<'workspace, AudienceSyntax>,
    pub(super) classifications: ByName<'workspace, ClassificationSyntax>,
    pub(super) strategies: ByName<'workspace, StrategySyntax>,
    pub(super) campaigns: ByName<'workspace, CampaignSyntax>,
}

impl<'workspace> Declarations<'workspace> {
    /// Gathers what the files declare, and reports names that are declared twice or cannot be names.
    pub(super) fn gather(out: &mut Vec<Diagnostic>, workspace: &'workspace Workspace) -> Self {
        let files = &workspace.files;
        Self {
            templates: gather(out, files, Section::Templates, |file| &file.templates),
            audiences: gather(out, files, Section::Audiences, |file| &file.audiences),
            classifications: gather(out, files, Section::Classifications, |file| &file.classifications),
            strategies: gather(out, files, Section::Strategies, |file| &file.strategies),
            campaigns: gather(out, files, Section::Campaigns, |file| &file.campaigns),
        }
    }
}

fn gather<'workspace, S>(
    out: &mut Vec<Diagnostic>,
    files: &'workspace [Arc<Document<CampaignFile>>],
    section: Section,
    entries: impl Fn(&'workspace CampaignFile) -> &'workspace BTreeMap<String, Box<S>>,
) -> ByName<'workspace, S> {
    let mut by_name: ByName<'workspace, S> = BTreeMap::new();
    for document in files {
        for (name, syntax) in entries(document.model()) {
            let declaration = Declaration { section, name, syntax: &**syntax, document };
            names::bad_name(out, &declaration);
            match by_name.entry(name) {
                Entry::Occupied(first) => names::duplicate_name(out, first.get(), &declaration),
                Entry::Vacant(place) => {
                    place.insert(declaration);
                }
            }
        }
    }
    by_name
}
