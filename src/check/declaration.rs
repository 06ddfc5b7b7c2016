//! One declaration as it is written, and where its parts stand.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::Place;
use crate::load::model::CampaignFile;
use crate::load::{Boundary, Document};

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
    pub(super) document: &'workspace Document<CampaignFile>,
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

    /// Returns what paths in it may lead to.
    pub(super) fn boundary(&self) -> &'workspace Arc<Boundary> {
        self.document.boundary()
    }

    /// Returns the path of its file as messages show it.
    pub(super) fn shown_path(&self) -> &'workspace str {
        self.document.source().path()
    }

    fn full<'path>(&'path self, path: &[&'path str]) -> Vec<&'path str> {
        [self.section.as_str(), self.name].into_iter().chain(path.iter().copied()).collect()
    }
}
