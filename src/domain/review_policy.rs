//! What an environment asks of reviewers before anything leaves.

/// What has to be approved, and by how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewPolicy {
    /// Whether a push needs its line in the review lock.
    pub is_required: bool,
    /// Who must sign a line besides; all that apply count. Only with `is_required`.
    pub approvals: Vec<ApprovalRule>,
}

/// Which pushes need signatures, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRule {
    /// Which pushes it is about.
    pub of_pushes: ApprovedPushes,
    /// How many different keys must have signed, from 1.
    pub signers: u32,
    /// Names of the machine's allowed signers, each of which must be among them with a key that no other of these has used.
    pub of: Vec<String>,
}

/// Whether a text may name a signer, in an allowed signers file and in the name of a signature's file: 1 to 128 letters, digits and
/// `.`, `_`, `@`, `+`, `-`, of which the first is a letter or digit.
#[must_use]
pub fn is_signer_name(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let shaped = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
    starts_well && shaped && text.len() <= 128
}

/// Which pushes an approval rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovedPushes {
    /// Those to more than so many people, and every broadcast.
    Over(u64),
    /// Broadcasts.
    Broadcasts,
}

impl ApprovedPushes {
    /// Whether it is about a push to so many people; nothing stands for everyone.
    #[must_use]
    pub fn covers(self, people: Option<u64>) -> bool {
        match (self, people) {
            (_, None) => true,
            (Self::Over(most), Some(people)) => people > most,
            (Self::Broadcasts, Some(_)) => false,
        }
    }
}
