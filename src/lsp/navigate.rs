//! From a name to where it is declared and referred to, and the names of one file.

use std::path::Path;

use lsp_types::{DocumentSymbol, Location, Range, SymbolKind};

use crate::load::PROJECT_FILE;
use crate::lsp::analysis::Analysis;
use crate::lsp::buffers::{Buffers, normal, uri_of};
use crate::lsp::names::{Kind, Name, Site};
use crate::lsp::outline::Outline;
use crate::lsp::position::Lines;

/// A name under the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: Name,
    pub(super) range: std::ops::Range<usize>,
}

/// Returns the name that an offset of a text is in: a reference or a declaration.
pub(super) fn name_at(is_project: bool, text: &str, offset: usize) -> Option<Found> {
    let outline = Outline::new(text);
    let belongs = |kind: &Kind| (*kind == Kind::Environment) == is_project;
    if let Some(entry) = outline.value_at(offset)
        && let Some(kind) = Kind::referred_to(entry).filter(belongs)
        && let Some(value) = &entry.value
    {
        return Some(Found { name: (kind, value.text.clone()), range: value.range.clone() });
    }
    let entry = outline.key_at(offset)?;
    let kind = Kind::declared(entry).filter(belongs)?;
    Some(Found { name: (kind, entry.name().to_owned()), range: entry.key.clone() })
}

/// Returns the places that declare the name at an offset, or the audience file that is named there.
pub(super) fn definition(
    analysis: &Analysis,
    buffers: &Buffers,
    (path, text): (&Path, &str),
    offset: usize,
) -> Vec<Location> {
    if let Some(found) = name_at(is_project(path), text, offset) {
        let declarations = analysis.names.declarations(&found.name).iter();
        return declarations.filter_map(|declaration| location(buffers, &declaration.site)).collect();
    }
    let outline = Outline::new(text);
    let file = outline.value_at(offset).filter(|entry| entry.is_at(&["audiences", "*", "*", "file"]));
    let named = file.and_then(|entry| entry.value.as_ref()).map(|value| value.text.as_str());
    let target = named.map(|named| normal(&path.parent().unwrap_or(path).join(named)));
    let target = target.filter(|target| target.is_file()).and_then(|target| uri_of(buffers, &target));
    target.into_iter().map(|uri| Location { uri, range: Range::default() }).collect()
}

/// Returns the places that refer to the name at an offset, sorted, behind those that declare it if they are
/// asked for.
pub(super) fn references(
    analysis: &Analysis,
    buffers: &Buffers,
    (path, text): (&Path, &str),
    offset: usize,
    with_declarations: bool,
) -> Vec<Location> {
    let Some(found) = name_at(is_project(path), text, offset) else { return Vec::new() };
    let declarations = analysis.names.declarations(&found.name).iter().filter(|_| with_declarations);
    let mut places: Vec<Location> =
        analysis.names.references(&found.name).filter_map(|site| location(buffers, site)).collect();
    places.sort_by(|left, right| (&left.uri, left.range.start).cmp(&(&right.uri, right.range.start)));
    declarations.filter_map(|declaration| location(buffers, &declaration.site)).chain(places).collect()
}

fn location(buffers: &Buffers, site: &Site) -> Option<Location> {
    Some(Location { uri: uri_of(buffers, &site.path)?, range: site.range })
}

/// Whether a path is a project file's.
pub(super) fn is_project(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == PROJECT_FILE)
}

/// Returns the names that a text declares, under their sections.
pub(super) fn symbols(path: &Path, text: &str, lines: &Lines<'_>) -> Vec<DocumentSymbol> {
    let mut sections: Vec<DocumentSymbol> = Vec::new();
    for entry in Outline::new(text).entries {
        let kind = Kind::ALL.into_iter().find(|kind| entry.is_at(&[kind.section()]));
        let declared = Kind::declared(&entry);
        let belongs = |kind: Kind| (kind == Kind::Environment) == is_project(path);
        let Some(_) = kind.or(declared).filter(|kind| belongs(*kind)) else { continue };
        #[expect(deprecated, reason = "the type has no constructor, and the field must be given")]
        let symbol = DocumentSymbol {
            name: entry.name().to_owned(),
            detail: declared.map(|kind| kind.noun().to_owned()),
            kind: if declared.is_some() { SymbolKind::OBJECT } else { SymbolKind::NAMESPACE },
            tags: None,
            deprecated: None,
            range: lines.range(&(entry.extent.start..entry.extent.end.max(entry.key.end))),
            selection_range: lines.range(&entry.key),
            children: None,
        };
        match sections.last_mut().filter(|_| declared.is_some()) {
            // An empty name cannot be shown (LSP 3.17, “DocumentSymbol”).
            _ if symbol.name.is_empty() => {}
            Some(section) => section.children.get_or_insert_default().push(symbol),
            None => sections.push(symbol),
        }
    }
    sections
}
