//! An audience and the one way to its targets: a stream.

use crate::check::AudienceSource;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::{LedgerSalt, Recipients, TargetHash, TargetId, TargetSet};

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
    /// Returns a diagnostic where a file cannot be opened; yields one for each line that holds no id.
    pub fn targets(
        &self,
    ) -> Result<impl Iterator<Item = Result<TargetId, Box<Diagnostic>>> + '_, Box<Diagnostic>> {
        let inline: &[TargetId] = match &self.source {
            AudienceSource::Broadcast(_) => &[],
            AudienceSource::Inline(_, ids) => ids,
        };
        Ok(inline.iter().cloned().map(Ok))
    }

    /// Reads the audience once: who is in it, and what is wrong with it.
    #[must_use]
    pub fn read(&self, salt: &LedgerSalt) -> (AudienceContents, Vec<Diagnostic>) {
        let kind = match self.recipients() {
            Recipients::Broadcast(_) => {
                let targets = TargetSet::new(vec![TargetHash::of_broadcast(salt)]);
                return (AudienceContents { targets, listed: 0, repeats: 0 }, Vec::new());
            }
            Recipients::Targets(kind) => kind,
        };
        let ids = match self.targets() {
            Ok(ids) => ids,
            Err(diagnostic) => return (AudienceContents::default(), vec![*diagnostic]),
        };
        let (mut hashes, mut diagnostics) = (Vec::new(), Vec::new());
        for id in ids {
            match id {
                Ok(id) => hashes.push(TargetHash::of(salt, kind, &id)),
                Err(diagnostic) => diagnostics.push(*diagnostic),
            }
        }
        let listed = hashes.len() as u64;
        let targets = TargetSet::new(hashes);
        if listed == 0 && diagnostics.is_empty() {
            let message = format!("audience `{}` is empty", self.name);
            diagnostics.push(Diagnostic::error(Code::AudienceEmpty, self.declared_at.clone(), message));
        }
        let repeats = listed - targets.len() as u64;
        (AudienceContents { targets, listed, repeats }, diagnostics)
    }
}
