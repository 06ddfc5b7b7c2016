//! A plan as its readers see it, before a medium draws it.
//!
//! Blocks in reading order. What a piece is stands beside it, and what it looks like does not: no colour, width, indent or
//! markup. Every text is as the plan has it, escaped by nobody yet, since what is dangerous differs by medium; what the tool
//! did not write itself is marked.

use serde_json::{Map, Value};

use crate::domain::ShowingRule;
use crate::render::difference::Line;

/// A whole plan.
#[derive(Debug)]
pub(super) struct View {
    /// The workspace's directory, as paths in the plan begin. Foreign.
    pub(super) directory: String,
    /// When the plan was made, in the project's zone. The tool's own.
    pub(super) made_at: String,
    /// What made it, and the digest of what it pushes. Foreign.
    pub(super) made_by: String,
    pub(super) digest: String,
    /// At least the setting, which comes first, and the totals, which come last.
    pub(super) blocks: Vec<Block>,
}

/// What is said of one subject.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) topic: Topic,
    pub(super) title: Option<Title>,
    /// How many it is about: what is about the fewest is missed the least where there is no room for all.
    pub(super) people: u64,
    /// What there is to know at a glance, each with its label: the cells of a table. Of the totals, each number and then what it
    /// counts.
    pub(super) facts: Vec<Span>,
    /// What is told below, in reading order.
    pub(super) parts: Vec<Part>,
}

/// What a block is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// Where the plan pushes to, and what it was compared with.
    Setting,
    /// A campaign of the files, and what is to happen to it.
    Campaign,
    /// A revision that waits at the vendor, and that no campaign of the files stands for.
    Waiting,
    /// A revision that `apply` puts on record as withdrawn.
    Withdrawal,
    /// Campaigns with nothing to do, counted.
    UpToDate,
    /// Campaigns that were missed long ago, counted.
    MissedBefore,
    /// Campaigns in doubt that the files no longer have, counted.
    InDoubtElsewhere,
    /// Who gets a push on which day.
    Days,
    /// The whole plan, counted.
    Totals,
}

/// The heading of a block.
#[derive(Debug)]
pub(super) struct Title {
    pub(super) tone: Tone,
    /// Says the state in one ASCII character, where there is no colour.
    pub(super) sign: char,
    /// The state in words: `create`, `3 campaigns up to date`.
    pub(super) state: String,
    /// The campaign, with its revision unless that is the first. Foreign.
    pub(super) campaign: Option<String>,
    /// How the sentence goes on that the title begins.
    pub(super) rest: Vec<Span>,
}

/// What a state means to who has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something is pushed.
    Push,
    /// Something is not pushed that was asked for.
    Stop,
    /// Somebody has to look.
    Doubt,
    /// There is nothing to do.
    Rest,
}

/// A part of a block.
#[derive(Debug)]
pub(super) enum Part {
    /// One line of prose.
    Row(Row),
    /// The message as a phone shows it. Foreign, the body of any number of lines.
    Message { title: String, body: String },
    /// The message at its longest, the values of targets' own masked, and how each vendor's phones show it. Foreign.
    Phones { title: String, body: String, rules: Vec<&'static ShowingRule> },
    /// The content in the words of the YAML. Foreign, names of keys included.
    Content(Map<String, Value>),
    /// How the content differs from the one that was sent, in lines of YAML; `place` is where the new one is declared.
    Difference { place: String, lines: Vec<Line> },
}

/// A line of prose.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kind: RowKind,
    pub(super) spans: Vec<Span>,
}

/// What a line is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// It tells something.
    Line,
    /// It tells something that few look for.
    Aside,
    /// It sums up.
    Total,
    /// Its spans are the cells of a table that has no heading.
    Cells,
    /// Why a campaign is in its state; of one that is held or blocked, the verdict.
    Reason,
    /// What else there is to know of a campaign, or of several.
    Note,
    /// What the vendor still sends, whatever becomes of this plan.
    StillSent,
    /// What to do.
    Help,
    /// Who is reached.
    Audience,
    /// Where and how phones show it.
    Showing,
}

/// A piece of a line, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) label: Label,
    pub(super) text: Text,
}

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Nothing by itself.
    Words,
    /// What a reader looks for first.
    Strong,
    /// The name of the project, the first word of a plan.
    Project,
    /// The name of the environment: a mistake here reaches the wrong people.
    Environment,
    /// A name, or a key with its value, as it stands in a file.
    Name,
    /// A command line to type.
    Command,
    /// A diagnostic code.
    Code,
    /// The vendor's call.
    Call,
    /// How many are pushed to, or were.
    Count,
    /// When something is pushed.
    When,
    /// Which phones ring for it.
    Rings,
    /// Where something is declared: a path and a line.
    Place,
    /// Who gets something.
    Who,
}

/// A text, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// The tool's own: words, counts, times.
    Own(String),
    /// Somebody else's: of a file, a ledger or a saved plan. Never markup, whatever is in it.
    Foreign(String),
    /// A sentence that the plan's document brings along, with names and commands in backticks. Foreign all the same, since
    /// anybody can write a plan file.
    Sentence(String),
    /// Of how the tool was called. Quoted for a shell, and nothing is hidden in it.
    Quoted(String),
}

impl Span {
    /// Makes a piece of the tool's own.
    pub(super) fn own(label: Label, text: impl Into<String>) -> Self {
        Self { label, text: Text::Own(text.into()) }
    }

    /// Makes a piece of somebody else's.
    pub(super) fn foreign(label: Label, text: impl Into<String>) -> Self {
        Self { label, text: Text::Foreign(text.into()) }
    }

    /// Makes words of the tool's own.
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self::own(Label::Words, text)
    }

    /// Takes a sentence of the plan's document.
    pub(super) fn sentence(text: impl Into<String>) -> Self {
        Self { label: Label::Words, text: Text::Sentence(text.into()) }
    }

    /// Returns the text, whosever it is.
    pub(super) fn as_str(&self) -> &str {
        match &self.text {
            Text::Own(text) | Text::Foreign(text) | Text::Sentence(text) | Text::Quoted(text) => text,
        }
    }

    /// Takes a command line that `Caller` completed.
    pub(super) fn command(text: impl Into<String>) -> Self {
        Self { label: Label::Command, text: Text::Quoted(text.into()) }
    }
}

impl Block {
    /// Makes a block of rows without a title.
    pub(super) fn of_rows(topic: Topic, rows: Vec<Row>) -> Self {
        let parts = rows.into_iter().map(Part::Row).collect();
        Self { topic, title: None, people: 0, facts: Vec::new(), parts }
    }

    /// Whether it is about one campaign, or one revision of it.
    pub(super) fn is_campaign(&self) -> bool {
        matches!(self.topic, Topic::Campaign | Topic::Waiting | Topic::Withdrawal) && self.title.is_some()
    }

    /// Whether somebody has to decide something, or will get something whatever is decided.
    pub(super) fn has_to_be_seen(&self) -> bool {
        self.title.as_ref().is_some_and(|title| matches!(title.tone, Tone::Stop | Tone::Doubt))
    }

    /// Returns what there is to know at a glance of these kinds, that of the title among it.
    pub(super) fn facts_of(&self, labels: &[Label]) -> Vec<&Span> {
        let rest = self.title.iter().flat_map(|title| &title.rest);
        self.facts.iter().chain(rest).filter(|span| labels.contains(&span.label)).collect()
    }
}

impl Row {
    pub(super) fn new(kind: RowKind, spans: impl Into<Vec<Span>>) -> Self {
        Self { kind, spans: spans.into() }
    }
}
