//! One line of a review lock.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

use crate::domain::{CampaignId, Life, OpenFor, Revision, Schedule};

/// A campaign revision as it is approved: what it says, who gets it, and when.
///
/// In the file: `NAME@REVISION content=SHA256 WHO audience=SHA256 WHEN`, with one space between the parts. Digests are whole, since
/// who writes a campaign might look for two that share a part of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The campaign.
    pub campaign: CampaignId,
    /// Which revision of it.
    pub revision: Revision,
    /// SHA-256 of its content, in hexadecimal digits.
    pub content: String,
    /// Who gets it, by kind and number.
    pub people: People,
    /// SHA-256 of its audience: of the definition and of the bytes of its file. Nothing where the list may be another one every
    /// night.
    pub audience: Option<String>,
    /// When it fires, in words without spaces; for what is sent at once, the window, and how long latecomers get it.
    pub when: When,
    /// Until when the approval counts: of what is sent as soon as it is applied.
    pub until: Option<DateTime<Utc>>,
}

/// Who gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// So many of a kind: `users=24`.
    Exactly(String, u64),
    /// At most so many of a kind: `users<=500000`.
    UpTo(String, u64),
    /// Everyone on a platform: `broadcast=android`.
    Everyone(String),
}

/// When it fires, as a line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When(String);

impl When {
    /// Returns when a campaign fires, and within which time.
    #[must_use]
    pub fn of(schedule: &Schedule, life: &Life) -> Self {
        Self(match schedule {
            Schedule::Now => window(life),
            Schedule::Once { at } => format!("once={}", time(*at)),
            Schedule::Repeat(repeat) => {
                let days = repeat.cycle().days().map(|days| {
                    let days: Vec<String> = days.iter().map(u8::to_string).collect();
                    format!(":{}", days.join(","))
                });
                format!(
                    "repeat={}{}@{}/{}..{}",
                    repeat.cycle().as_str(),
                    days.unwrap_or_default(),
                    repeat.time(),
                    repeat.from(),
                    repeat.until()
                )
            }
        })
    }

    /// Whether it is sent as soon as it is applied.
    #[must_use]
    pub fn is_now(&self) -> bool {
        self.0 == "now" || self.0.starts_with("now ")
    }
}

impl fmt::Display for When {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns the window of what is sent at once; how long latecomers get it only where that is not what holds by itself.
fn window(life: &Life) -> String {
    let mut parts = vec!["now".to_owned()];
    let times = [("from", life.not_before), ("to", life.not_after), ("open_until", life.open_until)];
    parts.extend(times.into_iter().filter_map(|(key, at)| Some(format!("{key}={}", time(at?)))));
    if life.open_for != OpenFor::DEFAULT {
        parts.push(match life.open_for {
            OpenFor::Always => "open_for=always".to_owned(),
            OpenFor::Span(span) => format!("open_for={}s", span.num_seconds()),
        });
    }
    parts.join(" ")
}

fn time(at: DateTime<Utc>) -> String {
    at.trunc_subsecs(0).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A line that nobody of ours wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no line of a review lock")]
pub struct BadLine(pub String);

impl Line {
    /// Whether both approve the same, until whenever.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }

    /// Names what of the other one is not as here: a line of the same campaign and revision.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let pairs = [
            ("content", self.content == other.content),
            ("audience", self.audience == other.audience && self.people == other.people),
            ("time", self.when == other.when),
        ];
        pairs.into_iter().filter(|(_, is_same)| !is_same).map(|(what, _)| what).collect()
    }

    /// Lets what is sent at once count for so long from now on.
    #[must_use]
    pub(super) fn valid_for(self, valid: TimeDelta, now: DateTime<Utc>) -> Self {
        let until = self.when.is_now().then(|| (now + valid).trunc_subsecs(0));
        Self { until, ..self }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { campaign, revision, content, people, audience, when, until } = self;
        let audience = audience.as_deref().unwrap_or("*");
        write!(formatter, "{campaign}@{revision} content={content} {people} audience={audience} {when}")?;
        match until {
            Some(until) => write!(formatter, " until={}", time(*until)),
            None => Ok(()),
        }
    }
}

impl People {
    /// Returns the most people that it may reach; nothing for everyone.
    #[must_use]
    pub fn most(&self) -> Option<u64> {
        match self {
            Self::Exactly(_, most) | Self::UpTo(_, most) => Some(*most),
            Self::Everyone(_) => None,
        }
    }
}

impl fmt::Display for People {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(kind, count) => write!(formatter, "{kind}={count}"),
            Self::UpTo(kind, most) => write!(formatter, "{kind}<={most}"),
            Self::Everyone(platform) => write!(formatter, "broadcast={platform}"),
        }
    }
}

impl FromStr for Line {
    type Err = BadLine;

    /// Reads a line exactly as it is written: what else it might mean, nobody approved.
    fn from_str(text: &str) -> Result<Self, BadLine> {
        let line = read(text).ok_or_else(|| BadLine(text.to_owned()))?;
        if line.to_string() == text { Ok(line) } else { Err(BadLine(text.to_owned())) }
    }
}

fn read(text: &str) -> Option<Line> {
    // Nothing that a terminal or a reviewer could take for something else.
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')).then_some(())?;
    let mut parts = text.splitn(5, ' ');
    let (campaign, revision) = parts.next()?.rsplit_once('@')?;
    let content = digest(parts.next()?.strip_prefix("content=")?)?;
    let people = people(parts.next()?)?;
    let audience = match parts.next()?.strip_prefix("audience=")? {
        "*" => None,
        listed => Some(digest(listed)?),
    };
    let rest = parts.next()?;
    let (when, until) = match rest.rsplit_once(" until=") {
        Some((when, until)) => (when, Some(DateTime::parse_from_rfc3339(until).ok()?.to_utc())),
        None => (rest, None),
    };
    let when = When(when.to_owned());
    (is_when(&when.0) && when.is_now() == until.is_some()).then_some(())?;
    let revision = Revision::new(revision.parse().ok()?).ok()?;
    Some(Line { campaign: campaign.parse().ok()?, revision, content, people, audience, when, until })
}

fn is_when(text: &str) -> bool {
    let is_time = |text: &str| DateTime::parse_from_rfc3339(text).is_ok_and(|at| time(at.to_utc()) == text);
    let is_span = |text: &str| {
        let seconds = text.strip_suffix('s').is_some_and(|seconds| seconds.parse::<u64>().is_ok());
        text == "always" || seconds
    };
    if let Some(at) = text.strip_prefix("once=") {
        return is_time(at);
    }
    if let Some(rest) = text.strip_prefix("repeat=") {
        return rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b":,@/.-".contains(&b));
    }
    let mut parts = text.split(' ');
    let is_part = |part: &str| match part.split_once('=') {
        Some(("from" | "to" | "open_until", at)) => is_time(at),
        Some(("open_for", span)) => is_span(span),
        _ => false,
    };
    parts.next() == Some("now") && parts.all(is_part)
}

fn digest(text: &str) -> Option<String> {
    let is_digest = text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then(|| text.to_owned())
}

fn people(text: &str) -> Option<People> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if let Some((kind, most)) = text.split_once("<=") {
        return is_word(kind).then_some(People::UpTo(kind.to_owned(), most.parse().ok()?));
    }
    let (word, of) = text.split_once('=')?;
    is_word(word).then_some(())?;
    match (word, of) {
        ("broadcast", platform) if !is_word(platform) => None,
        ("broadcast", platform) => Some(People::Everyone(platform.to_owned())),
        (kind, count) => Some(People::Exactly(kind.to_owned(), count.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "9f3c1d0a9f3c1d0a9f3c1d0a9f3c1d0a9f3c1d0a9f3c1d0a9f3c1d0a9f3c1d0a";

    #[test]
    fn a_line_is_read_as_it_is_written_and_in_no_other_way() {
        let sound = [
            format!("payday-2026-12@1 content={DIGEST} users=24 audience={DIGEST} once=2026-12-15T01:00:00Z"),
            format!("promo@2 content={DIGEST} users<=500000 audience=* now until=2026-12-12T14:00:00Z"),
            format!(
                "all@1 content={DIGEST} broadcast=android audience={DIGEST} now from=2026-12-12T14:00:00Z open_for=always until=2026-12-12T14:00:00Z"
            ),
            format!(
                "weekly@1 content={DIGEST} users=3 audience={DIGEST} repeat=week:1,7@13:45:11/2026-12-01..2027-02-28"
            ),
        ];
        for line in &sound {
            assert_eq!(line.parse::<Line>().unwrap().to_string(), *line);
        }
        let line = &sound[0];
        for broken in [
            line.replace("@1", ""),
            line.replace("@1", "@0"),
            line.replace("@1", "@01"),
            line.replace("content=9", "content=A"),
            line.replace("content=9", "content="),
            line.replace("users=24", "users=024"),
            line.replace("users=24", "24"),
            line.replace(" users", "  users"),
            line.replace("once=", "twice="),
            format!("{line} until=2026-12-12T14:00:00Z"),
            format!("{line} "),
            format!(" {line}"),
            sound[1].replace("now until", "until"),
            sound[1].replace(" until=2026-12-12T14:00:00Z", ""),
            sound[1].replace("14:00:00Z", "14:00:00+00:00"),
            line.replace('Z', "Z\0"),
            line.replace("once=2026", "once=\u{1b}[2J2026"),
            line.replace("users=", "##[add-mask]users="),
            line.replace("once=2026-12-15T01:00:00Z", "once=soon"),
            sound[2].replace("open_for=always", "open_for=long"),
            sound[3].replace("week:", "WEEK:"),
            String::new(),
        ] {
            assert!(broken.parse::<Line>().is_err(), "{broken}");
        }
    }
}
