//! `value-conflict`: a target that stands in a file twice, with different values. It gets one push, and nobody could say
//! which.
//!
//! Looked for only where targets are repeated, with eight bytes for each target and another pass over the file; a
//! third one finds the first lines of those that are reported.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::check::AudienceSource;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::{RowValues, TargetHasher, TargetRow, TargetSet};
use crate::resolve::Audience;
use crate::resolve::row_place::at_row;

/// Most conflicts of one file that are reported one by one.
const CONFLICTS_MAX: usize = 20;

/// Finds the targets of an audience in a file that are repeated with other values than before.
pub(super) fn find(
    audience: &Audience,
    targets: &TargetSet,
    target_hasher: &TargetHasher,
) -> Vec<Diagnostic> {
    let AudienceSource::File { file, named_at, .. } = &audience.source else { return Vec::new() };
    let position = |row: &TargetRow<'_>| targets.position(&target_hasher.hash(row.id));
    // By the target's place in the set: what its first line has; 0 before that.
    let mut seen = vec![0_u64; targets.len()];
    let (mut conflicts, mut unreported): (Vec<(usize, u64)>, u64) = (Vec::new(), 0);
    each_row(audience, |row| {
        let Some(place) = position(row) else { return true };
        let digest = digest(row.values);
        if seen[place] == 0 {
            seen[place] = digest;
        } else if seen[place] != digest {
            if conflicts.len() < CONFLICTS_MAX {
                conflicts.push((place, row.line));
            } else {
                unreported += 1;
            }
        }
        true
    });
    let mut first_lines: BTreeMap<usize, u64> = BTreeMap::new();
    let mut wanted: Vec<usize> = conflicts.iter().map(|(place, _)| *place).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if !wanted.is_empty() {
        each_row(audience, |row| {
            if let Some(place) = position(row).filter(|place| wanted.binary_search(place).is_ok()) {
                first_lines.entry(place).or_insert(row.line);
            }
            first_lines.len() < wanted.len()
        });
    }
    let mut out: Vec<Diagnostic> = conflicts
        .iter()
        .map(|(target, line)| {
            let message = "this target is already in the file, with different values".to_owned();
            let (place, message) = at_row(file, *line, message);
            let mistake = Diagnostic::error(Code::ValueConflict, place, message)
                .help("remove one of the lines: a target gets one push, with one set of values");
            match first_lines.get(target) {
                Some(first) => {
                    let (place, text) = at_row(file, *first, "listed first".to_owned());
                    mistake.related(place, text)
                }
                None => mistake,
            }
        })
        .collect();
    if unreported > 0 {
        let message = format!(
            "{unreported} more lines of audience `{}` repeat a target with other values",
            audience.name
        );
        out.push(
            Diagnostic::error(Code::ValueConflict, named_at.clone(), message)
                .help("make the export list each target once"),
        );
    }
    out
}

/// Reads the rows until `take` has enough. What cannot be read was reported by the pass before this one.
fn each_row(audience: &Audience, mut take: impl FnMut(&TargetRow<'_>) -> bool) {
    let Ok(mut rows) = audience.rows() else { return };
    while let Some(row) = rows.next_row() {
        if row.is_ok_and(|row| !take(&row)) {
            return;
        }
    }
}

/// Returns 64 bits that differ where values do, and are never 0.
fn digest(values: &RowValues) -> u64 {
    let mut hasher = Sha256::new();
    for value in values.iter() {
        hasher.update((value.len() as u64).to_be_bytes());
        hasher.update(value);
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize()[..8]);
    u64::from_be_bytes(first).max(1)
}
