//! The review lock: a file of lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{CampaignId, Revision};
use crate::review::line::Line;

/// The format's version.
const VERSION: u32 = 1;

const BEGINS: &str = "# campaignctl review ";
const PREAMBLE: &str =
    "Made by `campaignctl review`. Whoever approves a change of this file approves these pushes.";

/// Git's signs of a conflict that nobody has resolved.
const CONFLICTS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

/// How far the ledger was when the lock was made: an older copy of it is not the ledger any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The ledger's id for life.
    pub lineage: String,
    /// Its last record.
    pub serial: u64,
    /// The chain up to that record, in hexadecimal digits.
    pub chain: String,
}

/// What was approved: at most one line for each campaign revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// How far the ledger was, if that was asked for.
    pub ledger: Option<Witnessed>,
    lines: BTreeMap<(CampaignId, Revision), Line>,
}

/// Why a review lock cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The first line is not that of a review lock.
    #[error("it does not begin with `# campaignctl review 1`")]
    NoLock,
    /// A later campaignctl wrote it.
    #[error("it is of version {found}, and this campaignctl knows {VERSION}")]
    Version {
        /// The version that it says.
        found: u32,
    },
    /// Two changes were merged, and nobody said what holds.
    #[error("line {line} is the sign of a conflict that is not resolved")]
    Conflict {
        /// The line, from 1.
        line: usize,
    },
    /// Nobody of ours wrote it.
    #[error("line {line} is none that `campaignctl review` writes")]
    BadLine {
        /// The line, from 1.
        line: usize,
    },
    /// Two approvals of one thing.
    #[error("line {line} approves `{campaign}` once more")]
    Twice {
        /// The line, from 1.
        line: usize,
        /// The campaign with its revision.
        campaign: String,
    },
}

/// How a lock is not what the files come to, for one campaign revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line that is there, if there is one.
    pub before: Option<Line>,
    /// The line that should be there, if one should.
    pub after: Option<Line>,
}

impl Lock {
    /// Reads a lock, all of it or nothing.
    ///
    /// # Errors
    ///
    /// Returns [`LockError`] for anything that [`Lock::to_text`] would not have written, order and line ends aside.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let mut rows = (1..).zip(text.lines());
        let conflict = |(line, row): &(usize, &str)| {
            CONFLICTS.iter().any(|sign| row.starts_with(sign)).then_some(LockError::Conflict { line: *line })
        };
        if let Some(error) = rows.clone().find_map(|row| conflict(&row)) {
            return Err(error);
        }
        let (_, first) = rows.next().ok_or(LockError::NoLock)?;
        let mut lock = Self { ledger: first_line(first)?, ..Self::default() };
        for (line, row) in rows {
            let read: Line = row.parse().map_err(|_| LockError::BadLine { line })?;
            let of = (read.campaign.clone(), read.revision);
            let campaign = format!("{}@{}", of.0, of.1);
            if lock.lines.insert(of, read).is_some() {
                return Err(LockError::Twice { line, campaign });
            }
        }
        Ok(lock)
    }

    /// Writes the lock, sorted: two changes conflict only where they touch the same campaign.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{BEGINS}{VERSION}.");
        if let Some(Witnessed { lineage, serial, chain }) = &self.ledger {
            let _ = write!(text, " ledger={lineage}:{serial}:{chain}.");
        }
        let _ = writeln!(text, " {PREAMBLE}");
        for line in self.lines.values() {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Returns the line of a campaign revision.
    #[must_use]
    pub fn line(&self, campaign: &CampaignId, revision: Revision) -> Option<&Line> {
        self.lines.get(&(campaign.clone(), revision))
    }

    /// Returns all lines, sorted.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values()
    }

    /// Returns the lock as the files come to it. A line that says the same keeps the end of its approval, unless it is to be
    /// renewed; any other counts for `valid` from now on.
    #[must_use]
    pub fn updated(
        &self,
        current: &BTreeMap<CampaignId, Line>,
        valid: TimeDelta,
        now: DateTime<Utc>,
        is_renewed: impl Fn(&CampaignId) -> bool,
    ) -> Self {
        let line = |line: &Line| {
            let kept = self.line(&line.campaign, line.revision).filter(|before| before.is_same(line));
            let line = match kept {
                Some(before) if !is_renewed(&line.campaign) => before.clone(),
                _ => line.clone().valid_for(valid, now),
            };
            ((line.campaign.clone(), line.revision), line)
        };
        Self { ledger: self.ledger.clone(), lines: current.values().map(line).collect() }
    }

    /// Returns what another lock has otherwise, in the order of campaigns.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let gone_or_changed = self.lines.iter().filter_map(|(of, before)| {
            let after = other.lines.get(of);
            (after != Some(before))
                .then(|| (of, Change { before: Some(before.clone()), after: after.cloned() }))
        });
        let new = other.lines.iter().filter(|(of, _)| !self.lines.contains_key(of));
        let new = new.map(|(of, after)| (of, Change { before: None, after: Some(after.clone()) }));
        gone_or_changed.chain(new).collect::<BTreeMap<_, _>>().into_values().collect()
    }
}

fn first_line(row: &str) -> Result<Option<Witnessed>, LockError> {
    let (version, rest) =
        row.strip_prefix(BEGINS).and_then(|rest| rest.split_once(". ")).ok_or(LockError::NoLock)?;
    let found: u32 = version.parse().map_err(|_| LockError::NoLock)?;
    if found != VERSION {
        return Err(LockError::Version { found });
    }
    let (ledger, rest) = match rest.strip_prefix("ledger=").and_then(|rest| rest.split_once(". ")) {
        Some((ledger, rest)) => (Some(witnessed(ledger).ok_or(LockError::BadLine { line: 1 })?), rest),
        None => (None, rest),
    };
    if rest == PREAMBLE { Ok(ledger) } else { Err(LockError::BadLine { line: 1 }) }
}

fn witnessed(text: &str) -> Option<Witnessed> {
    let mut parts = text.splitn(3, ':');
    let (lineage, serial, chain) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex =
        |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit() || digit == b'-');
    (is_hex(lineage) && is_hex(chain)).then_some(())?;
    Some(Witnessed { lineage: lineage.to_owned(), serial: serial.parse().ok()?, chain: chain.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::line::{People, When};

    fn now() -> DateTime<Utc> {
        "2026-12-01T00:00:00Z".parse().unwrap()
    }

    fn current(name: &str, content: char, schedule: &str) -> Line {
        let digest = |of: char| of.to_string().repeat(64);
        let schedule = match schedule {
            "now" => crate::domain::Schedule::Now,
            at => crate::domain::Schedule::Once { at: at.parse().unwrap() },
        };
        Line {
            campaign: name.parse().unwrap(),
            revision: Revision::FIRST,
            content: digest(content),
            people: People::Exactly("users".to_owned(), 2),
            audience: Some(digest('a')),
            when: When::of(&schedule, &crate::domain::Life::default()),
            until: None,
        }
    }

    fn all(lines: &[Line]) -> BTreeMap<CampaignId, Line> {
        lines.iter().map(|line| (line.campaign.clone(), line.clone())).collect()
    }

    fn made(lines: &[Line]) -> Lock {
        Lock::default().updated(&all(lines), TimeDelta::hours(48), now(), |_| false)
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let mut lock = made(&[current("b", '1', "now"), current("a", '2', "2026-12-15T01:00:00Z")]);
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock.clone()));
        assert_eq!(Lock::parse(&lock.to_text().replace('\n', "\r\n")), Ok(lock.clone()));
        lock.ledger = Some(Witnessed { lineage: "0d9c-52".to_owned(), serial: 17, chain: "18ad".to_owned() });
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock.clone()));
        let text = lock.to_text();
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().nth(1).unwrap().starts_with("a@1 "), "{text}");
        assert!(text.ends_with("now until=2026-12-03T00:00:00Z\n"), "{text}");
    }

    #[test]
    fn what_is_not_a_lock_of_this_version_is_refused() {
        let text = made(&[current("a", '1', "now"), current("b", '2', "now")]).to_text();
        let first = text.lines().nth(1).unwrap();
        let cases = [
            (String::new(), LockError::NoLock),
            ("hello\n".to_owned(), LockError::NoLock),
            (text.replace("review 1.", "review 2."), LockError::Version { found: 2 }),
            (text.replace("Whoever", "Nobody"), LockError::BadLine { line: 1 }),
            (format!("{text}<<<<<<< HEAD\n"), LockError::Conflict { line: 4 }),
            (format!("<<<<<<< HEAD\n{text}"), LockError::Conflict { line: 1 }),
            (format!("{text}# a note\n"), LockError::BadLine { line: 4 }),
            (format!("{text}\n"), LockError::BadLine { line: 4 }),
            (text.replace("users=2", "users=2 more=1"), LockError::BadLine { line: 2 }),
            (format!("{text}{first}\n"), LockError::Twice { line: 4, campaign: "a@1".to_owned() }),
        ];
        for (text, expected) in cases {
            assert_eq!(Lock::parse(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_approval_is_renewed_only_where_its_line_changes_or_somebody_asks() {
        let (a, b) = (current("a", '1', "now"), current("b", '2', "now"));
        let lock = made(&[a.clone(), b.clone()]);
        let later = now() + TimeDelta::days(7);
        let again = |current: &[Line], renewed: &str| {
            lock.updated(&all(current), TimeDelta::hours(48), later, |id| id.as_str() == renewed)
        };
        assert_eq!(again(&[a.clone(), b.clone()], ""), lock);
        let until = |lock: &Lock, name: &str| {
            lock.line(&name.parse().unwrap(), Revision::FIRST).unwrap().until.unwrap()
        };
        let renewed = again(&[a.clone(), b.clone()], "a");
        assert_eq!(
            (until(&renewed, "a"), until(&renewed, "b")),
            (later + TimeDelta::hours(48), until(&lock, "b"))
        );
        let edited = again(&[current("a", '3', "now"), b], "");
        assert_eq!(until(&edited, "a"), later + TimeDelta::hours(48));
        let changes = lock.changes(&edited);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].after.as_ref().unwrap().content, "3".repeat(64));
        let gone = again(&[a, current("c", '4', "2026-12-15T01:00:00Z")], "");
        let names = |change: &Change| {
            let name = |line: &Option<Line>| line.as_ref().map(|line| line.campaign.to_string());
            (name(&change.before), name(&change.after))
        };
        let told: Vec<_> = lock.changes(&gone).iter().map(names).collect();
        assert_eq!(told, [(Some("b".to_owned()), None), (None, Some("c".to_owned()))]);
    }
}
