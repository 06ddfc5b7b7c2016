//! An audience and the one way to its targets: a stream.

use crate::check::AudienceSource;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::{LedgerSalt, Recipients, TargetHash, TargetId, TargetKind, TargetSet, TargetSetBuilder};
use crate::load::targets::{BadLine, BadLineReason, TargetFile};

/// Most bad lines of one file that are reported one by one.
const BAD_LINES_MAX: usize = 20;

/// A declared audience. Its targets may be in a file, which is read each time they are asked for.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Its name.
    pub name: String,
    /// The key that declares it.
    pub declared_at: Place,
    /// Where its targets come from.
    pub source: AudienceSource,
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
    /// The file that lists them, if one does, with the SHA-256 of its bytes.
    pub file: Option<(String, [u8; 32])>,
}

impl Audience {
    /// Returns to whom a campaign of this audience goes.
    #[must_use]
    pub fn recipients(&self) -> Recipients {
        self.source.recipients()
    }

    /// Streams the target ids in the order of the list or file, repeats included; nothing for a broadcast.
    ///
    /// # Errors
    ///
    /// Returns a diagnostic where a file gives no ids at all; yields one for each line that holds no id.
    pub fn targets(
        &self,
    ) -> Result<impl Iterator<Item = Result<TargetId, Box<Diagnostic>>> + '_, Box<Diagnostic>> {
        let (inline, lines): (&[TargetId], _) = match &self.source {
            AudienceSource::Broadcast(_) => (&[], None),
            AudienceSource::Inline(_, ids) => (ids, None),
            AudienceSource::File { file, named_at, .. } => {
                let lines = file.open().map_err(|error| Box::new(error.diagnostic(named_at.clone())))?;
                let lines = lines.map(|line| match line {
                    Ok((_, id)) => Ok(id),
                    Err(bad) => Err(Box::new(bad_line(file, &bad))),
                });
                (&[], Some(lines))
            }
        };
        Ok(inline.iter().cloned().map(Ok).chain(lines.into_iter().flatten()))
    }

    /// Reads the audience once: who is in it, and what is wrong with it.
    #[must_use]
    pub fn read(&self, salt: &LedgerSalt) -> (AudienceContents, Vec<Diagnostic>) {
        match self.recipients() {
            Recipients::Broadcast(_) => {
                let targets = TargetSet::new(vec![TargetHash::of_broadcast(salt)]);
                (AudienceContents { targets, ..AudienceContents::default() }, Vec::new())
            }
            Recipients::Targets(kind) => match &self.source {
                AudienceSource::File { file, named_at, .. } => match file.open() {
                    Ok(mut lines) => {
                        let ids = lines.by_ref().map(|line| match line {
                            Ok((_, id)) => Ok(id),
                            Err(bad) => Err(Box::new(bad_line(file, &bad))),
                        });
                        let (contents, diagnostics) = self.hash(ids, kind, salt);
                        let file = Some((file.shown_as.clone(), lines.digest()));
                        (AudienceContents { file, ..contents }, diagnostics)
                    }
                    Err(error) => (AudienceContents::default(), vec![error.diagnostic(named_at.clone())]),
                },
                AudienceSource::Inline(_, ids) => self.hash(ids.iter().cloned().map(Ok), kind, salt),
                AudienceSource::Broadcast(_) => unreachable!("its recipients are not targets"),
            },
        }
    }

    fn hash(
        &self,
        ids: impl Iterator<Item = Result<TargetId, Box<Diagnostic>>>,
        kind: TargetKind,
        salt: &LedgerSalt,
    ) -> (AudienceContents, Vec<Diagnostic>) {
        let (mut hashes, mut diagnostics, mut unreported) = (TargetSetBuilder::default(), Vec::new(), 0_u64);
        for id in ids {
            match id {
                Ok(id) => hashes.push(TargetHash::of(salt, kind, &id)),
                Err(diagnostic) if diagnostics.len() < BAD_LINES_MAX => diagnostics.push(*diagnostic),
                Err(_) => unreported += 1,
            }
        }
        if unreported > 0 {
            diagnostics.push(self.more_bad_lines(unreported));
        }
        let listed = hashes.taken();
        if listed == 0 && diagnostics.is_empty() {
            diagnostics.push(self.audience_empty());
        }
        let targets = hashes.finish();
        let repeats = listed - targets.len() as u64;
        (AudienceContents { targets, listed, repeats, file: None }, diagnostics)
    }

    /// Returns where YAML says who is in it.
    fn source_place(&self) -> Place {
        match &self.source {
            AudienceSource::Broadcast(_) | AudienceSource::Inline(..) => self.declared_at.clone(),
            AudienceSource::File { named_at, .. } => named_at.clone(),
        }
    }

    fn more_bad_lines(&self, count: u64) -> Diagnostic {
        let message = format!("{count} more lines of audience `{}` hold no target id", self.name);
        Diagnostic::error(Code::AudienceLine, self.source_place(), message)
            .help("is it the right file, column and format?")
    }

    /// `audience-empty`: a file without a single id is more likely an export that went wrong than a wish.
    fn audience_empty(&self) -> Diagnostic {
        let message = format!("audience `{}` holds nobody", self.name);
        Diagnostic::error(Code::AudienceEmpty, self.source_place(), message)
            .help("look at how the file was made: a push to nobody is hardly what was meant")
    }
}

/// `audience-line`: a line that cannot be read as an id.
fn bad_line(file: &TargetFile, bad: &BadLine) -> Diagnostic {
    let place = Place::Line { path: file.shown_as.clone(), line: bad.line };
    let help = match &bad.why {
        BadLineReason::Io(_) => "nothing after this line was read",
        BadLineReason::UnclosedQuote => "close the quote; nothing after it was read",
        BadLineReason::NotUtf8 => "save the file as UTF-8",
        BadLineReason::Id(_)
        | BadLineReason::TooLong
        | BadLineReason::NoColumn(_)
        | BadLineReason::NoField(_)
        | BadLineReason::FieldTwice(_)
        | BadLineReason::Json { .. } => "mend the line, or remove it",
    };
    Diagnostic::error(Code::AudienceLine, place, bad.why.to_string()).help(help)
}
