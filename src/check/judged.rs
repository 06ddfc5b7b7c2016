//! A declaration that was judged by itself: its value, or what was written where that is unsound.
//!
//! What is sound is kept as its value alone, so that the syntax of ten thousand files is not in memory at a time.

use std::sync::Arc;

use crate::check::declaration::Section;
use crate::check::{AudienceSource, Declared, OwnContent, Strategy};
use crate::diagnostic::{Diagnostic, Place};
use crate::domain::{Classification, Template};
use crate::load::Places;
use crate::load::model::{
    AudienceSyntax, CampaignSyntax, ClassificationSyntax, StrategySyntax, TemplateSyntax,
};

/// What the sections of one campaign file came to.
#[derive(Debug)]
pub(super) struct Sections {
    /// What is wrong with the names.
    pub(super) bad_names: Vec<Diagnostic>,
    pub(super) templates: Vec<JudgedTemplate>,
    pub(super) audiences: Vec<JudgedAudience>,
    pub(super) classifications: Vec<JudgedClassification>,
    pub(super) strategies: Vec<JudgedStrategy>,
    pub(super) campaigns: Vec<JudgedCampaign>,
}

/// One declaration after the rules of its own.
#[derive(Debug)]
pub(super) struct Judged<T, S> {
    pub(super) section: Section,
    pub(super) name: String,
    pub(super) places: Arc<Places>,
    /// Its value; what was written, where that is unsound in itself.
    pub(super) says: Result<Box<Declared<T>>, Box<S>>,
    /// What is wrong with it in itself.
    pub(super) mistakes: Vec<Diagnostic>,
}

pub(super) type JudgedTemplate = Judged<Template, TemplateSyntax>;
pub(super) type JudgedAudience = Judged<AudienceSource, AudienceSyntax>;
pub(super) type JudgedClassification = Judged<Classification, ClassificationSyntax>;
pub(super) type JudgedStrategy = Judged<Strategy, StrategySyntax>;
pub(super) type JudgedCampaign = Judged<OwnContent, CampaignSyntax>;

impl<T, S> Judged<T, S> {
    /// Returns the place of the key that declares it.
    pub(super) fn declared_at(&self) -> Place {
        match &self.says {
            Ok(declared) => declared.declared_at.clone(),
            Err(_) => self.key(&[]),
        }
    }

    /// Returns its value, or what was written where that is unsound in itself.
    pub(super) fn says(&self) -> Result<&T, &S> {
        match &self.says {
            Ok(declared) => Ok(&declared.value),
            Err(syntax) => Err(syntax),
        }
    }

    /// Returns the place of a value inside it; of the nearest ancestor's where there is none.
    pub(super) fn value(&self, path: &[&str]) -> Place {
        self.places.value(&self.full(path))
    }

    /// Returns the place of a key inside it; of the nearest ancestor's where there is none.
    pub(super) fn key(&self, path: &[&str]) -> Place {
        self.places.key(&self.full(path))
    }

    fn full<'path>(&'path self, path: &[&'path str]) -> Vec<&'path str> {
        [self.section.as_str(), self.name.as_str()].into_iter().chain(path.iter().copied()).collect()
    }
}
