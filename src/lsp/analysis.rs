//! The workspace as it is now, unsaved texts included: what is wrong with it, and what it means.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::{self, Checked, Declared};
use crate::diagnostic::{self, Diagnostic};
use crate::load::{Boundary, Reader, Shapes};
use crate::lsp::audiences::Audiences;
use crate::lsp::buffers::{Buffers, normal};
use crate::lsp::names::{Kind, Name, Names};
use crate::lsp::position::Encoding;
use crate::resolve::{self, Desired};

/// What is known of a workspace since it was read last.
#[derive(Debug)]
pub(super) struct Analysis {
    pub(super) reader: Reader,
    pub(super) names: Names,
    pub(super) audiences: Audiences,
    /// Everything that is wrong, as `validate` orders it.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The sound values; of what is declared but has a mistake now, those from before the mistake.
    pub(super) checked: Checked,
    /// The names whose values are from before a mistake.
    pub(super) outdated: BTreeSet<Name>,
}

impl Analysis {
    pub(super) fn new(boundary: &Arc<Boundary>, shown_as: String) -> Self {
        Self {
            reader: Reader::new(boundary, shown_as),
            names: Names::default(),
            audiences: Audiences::default(),
            diagnostics: Vec::new(),
            checked: Checked::default(),
            outdated: BTreeSet::new(),
        }
    }

    /// Returns a path as messages show it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.reader.directory()).unwrap_or(path).to_string_lossy();
        match (self.reader.shown_as(), &*below) {
            ("", "") => ".".to_owned(),
            ("", below) => below.to_owned(),
            (shown_as, "") => shown_as.to_owned(),
            (shown_as, below) => format!("{shown_as}/{below}"),
        }
    }

    /// Returns the path that messages show as `shown`.
    pub(super) fn path(&self, shown: &str) -> PathBuf {
        let below = match self.reader.shown_as() {
            "" => shown,
            shown_as => shown.strip_prefix(shown_as).map_or(shown, |below| below.trim_start_matches('/')),
        };
        let is_absolute = Path::new(shown).is_absolute() && !Path::new(self.reader.shown_as()).is_absolute();
        normal(&self.reader.directory().join(if is_absolute { shown } else { below }))
    }

    /// Reads what has changed, and applies every rule that `validate` applies.
    pub(super) fn refresh(&mut self, shapes: &Shapes, buffers: &Buffers, encoding: Encoding) {
        let (workspace, mut diagnostics) = self.reader.workspace(shapes);
        let (checked, found) = check::workspace(&workspace);
        diagnostics.extend(found);
        if let Some(desired) = desired(&checked) {
            self.audiences.keep_only(|name| desired.audiences.contains_key(name));
            for audience in desired.audiences.values() {
                diagnostics.extend(self.audiences.read(audience));
            }
        }
        diagnostic::sort(&mut diagnostics);
        self.diagnostics = diagnostics;
        let mut names = std::mem::take(&mut self.names);
        let directory = self.reader.directory().to_owned();
        let is_inside = |path: &Path| self.reader.holds(path);
        names.refresh(&workspace, (&directory, is_inside), |path| self.shown(path), buffers, encoding);
        self.names = names;
        self.keep_last_good(checked);
    }

    /// Takes new values, and keeps old ones of what is still declared but has a mistake now.
    fn keep_last_good(&mut self, checked: Checked) {
        let old = std::mem::replace(&mut self.checked, checked);
        let (names, new, outdated) = (&self.names, &mut self.checked, &mut self.outdated);
        outdated.clear();
        let mut keep = |kind: Kind, name: &str, is_there: bool| {
            let name = (kind, name.to_owned());
            let is_kept = !is_there && !names.declarations(&name).is_empty();
            if is_kept {
                outdated.insert(name);
            }
            is_kept
        };
        for (name, value) in old.templates {
            if keep(Kind::Template, &name, new.templates.contains_key(&name)) {
                new.templates.insert(name, value);
            }
        }
        for (name, value) in old.audiences {
            if keep(Kind::Audience, &name, new.audiences.contains_key(&name)) {
                new.audiences.insert(name, value);
            }
        }
        for (name, value) in old.strategies {
            if keep(Kind::Strategy, &name, new.strategies.contains_key(&name)) {
                new.strategies.insert(name, value);
            }
        }
        for (name, value) in old.campaigns {
            if keep(Kind::Campaign, name.as_str(), new.campaigns.contains_key(&name)) {
                new.campaigns.insert(name, value);
            }
        }
        new.project = new.project.take().or(old.project);
    }
}

/// Fills in every campaign. Any environment serves: audiences are the same in each.
fn desired(checked: &Checked) -> Option<Desired> {
    let environment = checked.project.as_ref()?.environments.keys().next()?;
    resolve::desired(checked, environment).ok()
}

/// Returns a declared value.
pub(super) fn value<T>(declared: Option<&impl Deref<Target = Declared<T>>>) -> Option<&T> {
    declared.map(|declared| &declared.value)
}
