//! An audience and the one way to its targets: a stream.
//!
//! Ids are hashed many at a time; 16 bytes of each are kept, beside a digest of their order. The columns that campaigns take
//! are gathered by audience, so that its file is read once for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{iter, slice};

use sha2::{Digest, Sha256};

use crate::check::AudienceSource;
use crate::diagnostic::{Code, Diagnostic, Place, number};
use crate::domain::{
    CampaignId, LedgerSalt, Recipients, RowSeal, RowValues, TargetHash, TargetHasher, TargetId, TargetRow,
    TargetSet, TargetSetBuilder,
};
use crate::load::targets::{BadLine, BadLineReason, TargetFile, TargetFileError, TargetRows, packing_help};
use crate::resolve::own_values::{RowCheck, Taker, WidestValues};
use crate::resolve::row_place::at_row;
use crate::resolve::suspicious::IdLook;
use crate::resolve::value_conflict;

/// Most bad lines of one file that are reported one by one.
const BAD_LINES_MAX: usize = 20;

/// A declared audience. Its targets may be in a file, which is read each time they are asked for.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Its key in YAML.
    pub name: String,
    /// The key that declares it.
    pub declared_at: Place,
    /// Where its targets come from.
    pub source: AudienceSource,
    /// The campaigns that take values from its rows.
    pub takers: Vec<Taker>,
}

/// What one pass over an audience found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudienceContents {
    /// The targets, each once; the one pseudo-target of a broadcast.
    pub targets: TargetSet,
    /// How many ids are listed, repeats included; 0 for a broadcast.
    pub listed: u64,
    /// How many of them stand there again.
    pub repeats: u64,
    /// SHA-256 over the hashes in the order in which they are listed, repeats included.
    pub order_digest: [u8; 32],
    /// The file that lists them, if one does, with the SHA-256 of its bytes.
    pub file: Option<(String, [u8; 32])>,
    /// The rows, sealed, where campaigns take values from them: ids alone are known again by `targets`.
    pub seal: Option<RowSeal>,
    /// For each campaign that takes values from them, those of the rows that make its title and its body the widest.
    pub widest: Arc<BTreeMap<CampaignId, WidestValues>>,
}

impl Audience {
    /// Returns to whom a campaign of this audience goes.
    #[must_use]
    pub fn recipients(&self) -> Recipients {
        self.source.recipients()
    }

    /// Streams the rows in the order of the list or file, repeats included; nothing for a broadcast. Ids that
    /// are listed in YAML have no values.
    ///
    /// # Errors
    ///
    /// Returns a diagnostic where a file gives no rows at all.
    pub fn rows(&self) -> Result<AudienceRows<'_>, Box<Diagnostic>> {
        Ok(AudienceRows(match &self.source {
            AudienceSource::Broadcast(_) => RowsKind::Inline([].iter(), 0),
            AudienceSource::Inline(_, ids) => RowsKind::Inline(ids.iter(), 0),
            AudienceSource::File { file, named_at, .. } => match file.open() {
                Ok(rows) => RowsKind::File(file, Box::new(rows)),
                Err(error) => return Err(Box::new(error.diagnostic(self.blamed(file, &error, named_at)))),
            },
        }))
    }

    /// Streams the target ids alone, as [`Audience::rows`] does, each with memory of its own.
    ///
    /// # Errors
    ///
    /// Returns a diagnostic where a file gives no ids at all; yields one for each line that holds no id.
    pub fn targets(
        &self,
    ) -> Result<impl Iterator<Item = Result<TargetId, Box<Diagnostic>>> + '_, Box<Diagnostic>> {
        let mut rows = self.rows()?;
        Ok(iter::from_fn(move || rows.next_row().map(|row| row.map(|row| row.id.to_owned()))))
    }

    /// Reads the audience once: who is in it, and what is wrong with it.
    #[must_use]
    pub fn read(&self, salt: &LedgerSalt) -> (AudienceContents, Vec<Diagnostic>) {
        let kind = match self.recipients() {
            Recipients::Broadcast(_) => {
                let everyone = TargetHash::of_broadcast(salt);
                let targets = TargetSet::new(vec![everyone]);
                let order_digest = Sha256::digest(everyone.0).into();
                return (
                    AudienceContents { targets, order_digest, ..AudienceContents::default() },
                    Vec::new(),
                );
            }
            Recipients::Targets(kind) => kind,
        };
        let mut rows = match self.rows() {
            Ok(rows) => rows,
            Err(diagnostic) => return (AudienceContents::default(), vec![*diagnostic]),
        };
        let mut batch = TargetHasher::new(salt, kind).batch();
        let mut check = self.row_check();
        let mut look = match &self.source {
            AudienceSource::File { file, .. } => Some(IdLook::new(file)),
            AudienceSource::Inline(..) | AudienceSource::Broadcast(_) => None,
        };
        let mut gathered = Gathered::default();
        let (mut diagnostics, mut unreported) = (Vec::new(), 0_u64);
        while let Some(row) = rows.next_row() {
            let mistake = match row {
                Ok(row) => match check.as_mut().and_then(|check| check.row(&row)) {
                    None => {
                        if let Some(look) = &mut look {
                            look.id(row.line, row.id.as_str());
                        }
                        gathered.take(batch.push(row.id));
                        continue;
                    }
                    Some(mistake) => mistake,
                },
                Err(mistake) => *mistake,
            };
            if diagnostics.len() < BAD_LINES_MAX {
                diagnostics.push(mistake);
            } else {
                unreported += 1;
            }
        }
        gathered.take(batch.rest());
        let Gathered { targets, order } = gathered;
        if unreported > 0 {
            diagnostics.push(self.more_bad_lines(unreported));
        }
        diagnostics.extend(look.into_iter().flat_map(IdLook::finish));
        let listed = targets.taken();
        if listed == 0 && diagnostics.is_empty() {
            diagnostics.push(self.audience_empty());
        }
        let targets = targets.finish();
        let repeats = listed - targets.len() as u64;
        let order_digest = order.finalize().into();
        let (seal, widest) = check
            .map(|check| {
                let (seal, widest, warnings) = check.finish();
                diagnostics.extend(warnings);
                (seal, widest)
            })
            .unzip();
        if seal.is_some() && repeats > 0 {
            diagnostics.extend(value_conflict::find(self, &targets, &TargetHasher::new(salt, kind)));
        }
        let (file, widest) = (rows.file(), Arc::new(widest.unwrap_or_default()));
        (AudienceContents { targets, listed, repeats, order_digest, file, seal, widest }, diagnostics)
    }

    /// Returns what looks at every row, where campaigns take values from them.
    fn row_check(&self) -> Option<RowCheck<'_>> {
        match &self.source {
            AudienceSource::File { file, .. } if !self.takers.is_empty() => {
                Some(RowCheck::new(file, &self.takers))
            }
            _ => None,
        }
    }

    /// Returns the place to blame for a file that gives no rows: where a campaign names a column that is not there, or where
    /// the file is named.
    fn blamed(&self, file: &TargetFile, error: &TargetFileError, named_at: &Place) -> Place {
        let column = error.column().filter(|column| file.column_or_field.as_deref() != Some(*column));
        let column = column.and_then(|column| file.value_columns.iter().position(|known| known == column));
        let place = column.and_then(|column| self.takers.iter().find_map(|taker| taker.named_at(column)));
        place.unwrap_or(named_at).clone()
    }

    /// Returns where YAML says who is in it.
    fn source_place(&self) -> Place {
        match &self.source {
            AudienceSource::Broadcast(_) | AudienceSource::Inline(..) => self.declared_at.clone(),
            AudienceSource::File { named_at, .. } => named_at.clone(),
        }
    }

    fn more_bad_lines(&self, count: u64) -> Diagnostic {
        let what = if self.takers.is_empty() { "no target id" } else { "no target id, or no value" };
        let message = format!("{} more lines of audience `{}` hold {what}", number(count), self.name);
        Diagnostic::error(Code::AudienceLine, self.source_place(), message)
            .help("is it the right file, column and format?")
    }

    /// `audience-empty`: a file without a single id is more likely an export that went wrong than a wish.
    fn audience_empty(&self) -> Diagnostic {
        let message = format!("audience `{}` is empty", self.name);
        Diagnostic::error(Code::AudienceEmpty, self.source_place(), message)
            .help("check how the file was made: a push to nobody is probably a mistake")
    }
}

/// Hashes as they come.
#[derive(Default)]
struct Gathered {
    targets: TargetSetBuilder,
    order: Sha256,
}

impl Gathered {
    #[inline]
    fn take(&mut self, hashes: &[TargetHash]) {
        for hash in hashes {
            self.targets.push(*hash);
        }
        TargetHash::feed(hashes, &mut self.order);
    }
}

/// The rows of an audience, one after the other.
#[derive(Debug)]
pub struct AudienceRows<'audience>(RowsKind<'audience>);

#[derive(Debug)]
enum RowsKind<'audience> {
    /// What is left of a list, and how many were given.
    Inline(slice::Iter<'audience, TargetId>, u64),
    File(&'audience TargetFile, Box<TargetRows>),
}

impl AudienceRows<'_> {
    /// Reads the next row, or a diagnostic of a line that gives none. The row lives until the next one is read.
    #[inline]
    pub fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<Diagnostic>>> {
        match &mut self.0 {
            RowsKind::Inline(ids, line) => {
                let id = ids.next()?.borrowed();
                *line += 1;
                Some(Ok(TargetRow { line: *line, id, values: RowValues::NONE }))
            }
            RowsKind::File(file, rows) => {
                Some(rows.next_row()?.map_err(|bad| Box::new(bad_line(file, &bad))))
            }
        }
    }

    /// Returns the file with the SHA-256 of what was read of it so far, if the audience is in a file.
    fn file(&self) -> Option<(String, [u8; 32])> {
        match &self.0 {
            RowsKind::Inline(..) => None,
            RowsKind::File(file, rows) => Some((file.shown_as.clone(), rows.digest())),
        }
    }
}

/// `audience-line` and `audience-value`: a line that cannot be read as a row.
fn bad_line(file: &TargetFile, bad: &BadLine) -> Diagnostic {
    let of_value = |name: &String| file.column_or_field.as_ref() != Some(name);
    let (code, help) = match &bad.why {
        BadLineReason::TooLarge(too_large) => {
            let (place, message) = at_row(file, bad.line, too_large.to_string());
            return Diagnostic::error(Code::AudienceTooLarge, place, message).help(too_large.help());
        }
        BadLineReason::Io(error) => {
            (Code::AudienceLine, packing_help(error).unwrap_or("nothing after this line was read"))
        }
        BadLineReason::Damaged(_) => (Code::AudienceLine, "nothing after this line was read"),
        BadLineReason::NotUtf8 => (Code::AudienceLine, "save the file as UTF-8"),
        BadLineReason::NoValue(_) => {
            (Code::AudienceValue, "fill it in, as a campaign takes it from here; or remove the line")
        }
        BadLineReason::NoField(name)
        | BadLineReason::FieldTwice(name)
        | BadLineReason::Json { field: name, .. }
            if of_value(name) =>
        {
            (Code::AudienceValue, "fix the line, or remove it")
        }
        BadLineReason::Id(_)
        | BadLineReason::HeaderAgain
        | BadLineReason::MergeMarker
        | BadLineReason::Checksum
        | BadLineReason::UnclosedQuote
        | BadLineReason::QuoteRunsOn(_)
        | BadLineReason::TextAfterQuote
        | BadLineReason::QuoteInField
        | BadLineReason::FieldCount { .. }
        | BadLineReason::NoField(_)
        | BadLineReason::FieldTwice(_)
        | BadLineReason::Json { .. } => {
            (Code::AudienceLine, bad.why.help().unwrap_or("fix the line, or remove it"))
        }
    };
    let (place, message) = at_row(file, bad.line, bad.why.to_string());
    Diagnostic::error(code, place, message).help(help)
}
