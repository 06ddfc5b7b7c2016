//! The exit codes: a contract with CI.

use std::process::ExitCode;

use crate::plan::SummaryDocument;

/// How a command ended. `docs/commands.md` and `--help` list the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ExitStatus {
    /// Done; for `plan`: no changes, or changes without `--detailed-exitcode`.
    Done = 0,
    /// An error of no other class, our own bugs included.
    Other = 1,
    /// Changes are pending; only with `--detailed-exitcode`.
    ChangesPending = 2,
    /// What was written is wrong: files, flags, a plan file.
    Written = 3,
    /// Credentials or permission.
    Credentials = 4,
    /// The vendor throttles, or cannot be reached; nothing is in doubt, try again later.
    Quota = 5,
    /// A campaign is blocked or held, or an approval is needed.
    Refused = 6,
    /// Files, audience, ledger or environment differ from what was reviewed.
    Stale = 7,
    /// The ledger is locked by another run.
    Locked = 8,
    /// A campaign's time passed with people unsent, or a plan has expired.
    Expired = 9,
    /// The outcome of at least one push is unknown.
    InDoubt = 10,
    /// Some pushes were cleanly rejected, none is in doubt.
    Partial = 11,
    /// The ledger is missing, foreign, damaged, rolled back, moved or refused.
    Ledger = 12,
    /// Interrupted, after what was in flight was settled.
    Interrupted = 130,
}

/// States of campaigns that a caller may want to hear nothing of in the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Allowed {
    /// Blocked until the files change.
    Blocked,
    /// Held back for now.
    Held,
    /// Missed: their time passed with people unsent.
    Missed,
}

/// Returns the one of two endings that comes first: that the ledger is another run's, then doubt, and any before success.
pub(in crate::cli) fn graver(one: ExitStatus, other: ExitStatus) -> ExitStatus {
    let in_order = [
        ExitStatus::Locked,
        ExitStatus::InDoubt,
        ExitStatus::Interrupted,
        ExitStatus::Credentials,
        ExitStatus::Other,
        ExitStatus::Expired,
        ExitStatus::Refused,
        ExitStatus::Partial,
        ExitStatus::Quota,
        ExitStatus::Stale,
    ];
    let found = in_order.into_iter().find(|status| *status == one || *status == other);
    found.unwrap_or(if one == ExitStatus::Done { other } else { one })
}

/// Returns what a plan says of the campaigns that it does not push: doubt first, which a person has to look at. A miss counts
/// for a day, as `has_missed` says.
pub(in crate::cli) fn of_unpushed(
    summary: &SummaryDocument,
    has_missed: bool,
    allowed: &[Allowed],
) -> ExitStatus {
    let is_told = |state: Allowed| !allowed.contains(&state);
    if summary.in_doubt > 0 {
        ExitStatus::InDoubt
    } else if has_missed && is_told(Allowed::Missed) {
        ExitStatus::Expired
    } else if (summary.blocked > 0 && is_told(Allowed::Blocked))
        || (summary.held > 0 && is_told(Allowed::Held))
    {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

/// What `--help` ends with: the table of exit codes.
pub(super) const HELP: &str = "\
Examples:
  campaignctl init && campaignctl plan
  campaignctl -e production apply

Exit codes:
  0    done; for `plan`: no changes, or changes without --detailed-exitcode
  1    an error of no other class
  2    changes pending (only with --detailed-exitcode)
  3    what was written is wrong: files, flags, a plan file
  4    credentials or permission
  5    the vendor throttles, or cannot be reached; nothing in doubt
  6    a campaign is blocked or held, or an approval is needed
  7    stale: something that was reviewed is no longer as it was
  8    the ledger is locked by another run
  9    a campaign was missed, or a plan has expired
  10   in doubt: the outcome of at least one push is unknown
  11   partial: some pushes were cleanly rejected, none is in doubt
  12   the ledger is missing, foreign, damaged, rolled back, moved or refused
  130  interrupted, after what was in flight was settled";

/// Returns the exit codes with their meanings.
pub(super) fn table() -> impl Iterator<Item = (&'static str, &'static str)> {
    let (_, rows) = HELP.split_once("Exit codes:\n").expect("the table is there");
    rows.lines().filter_map(|row| row.trim().split_once(' ')).map(|(code, meaning)| (code, meaning.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ending_is_forgotten_for_a_success() {
        use ExitStatus::*;
        for status in [
            Other,
            Written,
            Credentials,
            Quota,
            Refused,
            Stale,
            Locked,
            Expired,
            InDoubt,
            Partial,
            Ledger,
            Interrupted,
        ] {
            assert_eq!((graver(Done, status), graver(status, Done)), (status, status));
        }
        assert_eq!((graver(InDoubt, Stale), graver(Written, InDoubt)), (InDoubt, InDoubt));
        assert_eq!(graver(InDoubt, Locked), Locked);
    }
}
