//! What campaigns take from the rows of an audience: every row is looked at before anything is planned.
//!
//! A value must be there, visible and sendable, and the texts that it fills not longer than channels take: the rules that
//! `values` in YAML obey, with the line of the file as their place. A text is measured without being made, since it is as
//! long as its parts.
//!
//! Which column fills which placeholder (`values_from`) is content; the rows are an input of the plan, like any file.
//! Nothing of them is kept but a seal ([`RowSeal`]): `apply` reads the file again, and sends a row only once its stretch
//! of the file was proven to be the one that was planned.

use std::collections::BTreeMap;

use crate::check::{Channels, Excess, TEXT_BYTES_MAX, Text};
use crate::diagnostic::{Code, Diagnostic, Place, number};
use crate::domain::{
    Campaign, CampaignId, Measure, RowSeal, RowValues, Sealing, TargetRow, TextFlaw, placeholder_counts,
};
use crate::load::targets::TargetFile;
use crate::resolve::row_place::at_row;
use crate::resolve::suspicious::ValueLook;

/// A campaign that takes values from the rows of its audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taker {
    campaign: CampaignId,
    declared_at: Place,
    template: String,
    channels: Channels,
    /// Title and body.
    texts: [Filled; 2],
    /// Which of the audience's columns a placeholder takes its value from.
    own: Vec<(String, usize)>,
    /// Where the campaign names each of the audience's columns; nothing of those that it does not take.
    named_at: Vec<Option<Place>>,
}

/// One text of a template, as rows fill it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filled {
    text: Text,
    /// How long it is without any value of a row.
    fixed: Measure,
    /// How often the value of each column stands in it.
    times: Vec<usize>,
}

impl Taker {
    /// Says what a campaign takes from the audience's `columns`; `template` is the name that it gives its template, and
    /// `named_at` where it names each of its own columns.
    pub(super) fn new(
        (campaign, template): (&Campaign, &str),
        declared_at: &Place,
        columns: &[String],
        named_at: impl Fn(&str) -> Option<Place>,
    ) -> Self {
        let place_of = |column: &str| columns.iter().position(|known| known == column);
        let filled = |text: Text, words: &str| {
            let (mut fixed, mut times) = (Measure::of(words), vec![0; columns.len()]);
            for (placeholder, count) in placeholder_counts(words) {
                let own = campaign.values_from.get(placeholder).and_then(|column| place_of(column));
                let common = campaign.values.get(placeholder);
                if own.is_some() || common.is_some() {
                    fixed = fixed.without(Measure::of(&format!("#{placeholder}#")), count);
                }
                if let Some(place) = own {
                    times[place] += count;
                } else if let Some(value) = common {
                    fixed = fixed.plus(Measure::of(value), count);
                }
            }
            Filled { text, fixed, times }
        };
        let own = campaign.values_from.iter();
        Self {
            own: own.filter_map(|(name, column)| Some((name.clone(), place_of(column)?))).collect(),
            campaign: campaign.id.clone(),
            declared_at: declared_at.clone(),
            template: template.to_owned(),
            channels: Channels::of(campaign.recipients, campaign.channel),
            texts: [
                filled(Text::Title, &campaign.template.title),
                filled(Text::Body, &campaign.template.body),
            ],
            named_at: columns.iter().map(|column| named_at(column)).collect(),
        }
    }

    /// Whether rows are held to the same by both, wherever they are declared.
    #[must_use]
    pub fn asks_as(&self, other: &Self) -> bool {
        let columns = |taker: &Self| taker.named_at.iter().map(Option::is_some).collect::<Vec<_>>();
        let name = |taker: &Self| (taker.campaign.clone(), taker.template.clone());
        name(self) == name(other)
            && (self.channels, &self.texts) == (other.channels, &other.texts)
            && columns(self) == columns(other)
    }

    /// Returns every place that a diagnostic of a row may point at, in an order of its own.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.declared_at).chain(self.named_at.iter().flatten())
    }

    /// Names the values of the rows that make title and body the widest, as far as they stand there.
    fn named(&self, widest: &[WidestRow; 2]) -> (CampaignId, WidestValues) {
        let [title, body] = [0, 1].map(|text: usize| {
            let values = self.own.iter().filter(|(_, column)| self.texts[text].times[*column] > 0);
            let value =
                |(name, column): &(String, usize)| Some((name.clone(), *widest[text].values.get(*column)?));
            values.filter_map(value).collect()
        });
        (self.campaign.clone(), WidestValues { title, body })
    }

    /// Returns where the campaign names the column at this place among the audience's.
    pub(super) fn named_at(&self, column: usize) -> Option<&Place> {
        self.named_at.get(column)?.as_ref()
    }
}

/// How long the values are in the rows that make a campaign's title and its body the widest, by placeholder. The values themselves
/// are nobody's to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WidestValues {
    /// Those in the title.
    pub title: BTreeMap<String, Measure>,
    /// Those in the body.
    pub body: BTreeMap<String, Measure>,
}

/// The row that makes a text the widest, so far.
#[derive(Clone, Debug, Default)]
struct WidestRow {
    /// How wide the text is, in characters of which a Chinese one counts for two.
    half_widths: usize,
    /// How long its values are, in the order of the audience's columns.
    values: Vec<Measure>,
}

impl WidestRow {
    fn see(&mut self, text: Measure, values: &[Measure]) {
        if text.half_widths > self.half_widths {
            self.half_widths = text.half_widths;
            self.values.clear();
            self.values.extend_from_slice(values);
        }
    }
}

/// The longest that rows made of a text so far, beyond what channels take.
#[derive(Clone, Copy, Debug, Default)]
struct Longest {
    excess: Excess,
    /// Rows that make it too long.
    rows: u64,
    /// The line of the longest of them, and its characters.
    line: u64,
    characters: usize,
}

/// Looks at every row of an audience.
pub(super) struct RowCheck<'a> {
    file: &'a TargetFile,
    takers: &'a [Taker],
    /// For each taker, of title and body.
    longest: Vec<[Longest; 2]>,
    widest: Vec<[WidestRow; 2]>,
    /// The row's values, measured.
    measures: Vec<Measure>,
    value_look: ValueLook,
    sealing: Sealing,
}

impl<'a> RowCheck<'a> {
    pub(super) fn new(file: &'a TargetFile, takers: &'a [Taker]) -> Self {
        let longest = vec![<[Longest; 2]>::default(); takers.len()];
        let widest = vec![<[WidestRow; 2]>::default(); takers.len()];
        let measures = Vec::with_capacity(file.value_columns.len());
        let value_look = ValueLook::new(file.value_columns.len());
        Self { file, takers, longest, widest, measures, value_look, sealing: Sealing::default() }
    }

    /// Looks at a row, and returns the first mistake in it.
    pub(super) fn row(&mut self, row: &TargetRow<'_>) -> Option<Diagnostic> {
        let mistake = self.look(row.line, row.values);
        if mistake.is_none() {
            self.sealing.add(row.id, row.values);
        }
        mistake
    }

    fn look(&mut self, line: u64, values: &RowValues) -> Option<Diagnostic> {
        self.measures.clear();
        for (place, (column, value)) in self.file.value_columns.iter().zip(values.iter()).enumerate() {
            self.value_look.value(line, place, value);
            if let Some(flaw) = flaw(value) {
                let message = format!("`{column}` {flaw}");
                return Some(
                    self.mistake(Code::AudienceValue, line, message)
                        .help("fix the value, or remove the line"),
                );
            }
            self.measures.push(Measure::of(value));
        }
        let seen = self.longest.iter_mut().zip(&mut self.widest);
        for (taker, (longest, widest)) in self.takers.iter().zip(seen) {
            let filled = taker.texts.each_ref().map(|text| {
                let parts = text.times.iter().zip(&self.measures);
                parts.fold(text.fixed, |filled, (times, value)| filled.plus(*value, *times))
            });
            for (text, widest) in filled.into_iter().zip(widest) {
                widest.see(text, &self.measures);
            }
            let total_bytes = filled[0].bytes.saturating_add(filled[1].bytes);
            for ((text, measure), longest) in taker.texts.iter().zip(filled).zip(longest) {
                if measure.bytes > TEXT_BYTES_MAX {
                    let (key, bytes) = (text.text.as_str(), number(measure.bytes as u64));
                    let message = format!(
                        "this line makes the {key} of campaign `{}` {bytes} bytes long",
                        taker.campaign
                    );
                    let help = "shorten its values: no channel takes more than a few thousand bytes";
                    let mistake = mistake(self.file, Code::TextTooLong, line, message);
                    return Some(mistake.related(taker.declared_at.clone(), "the campaign").help(help));
                }
                longest.see(taker.channels.excess(text.text, measure, total_bytes), measure.characters, line);
            }
        }
        None
    }

    /// Returns the seal of all rows, for each campaign the rows that make title and body the widest, and what is too long over
    /// all of them: a warning for each text of each campaign, at the longest row.
    pub(super) fn finish(self) -> (RowSeal, BTreeMap<CampaignId, WidestValues>, Vec<Diagnostic>) {
        let mut out = Vec::new();
        for (taker, longest) in self.takers.iter().zip(&self.longest) {
            for (text, longest) in taker.texts.iter().zip(longest).filter(|(_, longest)| longest.rows > 0) {
                let (key, rows) = (text.text.as_str(), longest.rows);
                let message =
                    format!("the {key} of template `{}` is {}", taker.template, longest.excess.complaint());
                let of_lines = match rows {
                    1 => format!("`{}` takes its values from this line", taker.campaign),
                    rows => format!("`{}` takes its values from {} such lines", taker.campaign, number(rows)),
                };
                let (place, message) = at_row(self.file, longest.line, message);
                out.push(
                    Diagnostic::warning(Code::TextTooLong, place, message)
                        .label(format!("makes it {} characters", number(longest.characters as u64)))
                        .related(taker.declared_at.clone(), of_lines)
                        .help(longest.excess.help(text.text)),
                );
            }
        }
        out.extend(self.value_look.finish(self.file));
        let widest = self.takers.iter().zip(&self.widest).map(|(taker, widest)| taker.named(widest));
        (self.sealing.finish(), widest.collect(), out)
    }

    fn mistake(&self, code: Code, line: u64, message: String) -> Diagnostic {
        mistake(self.file, code, line, message)
    }
}

fn mistake(file: &TargetFile, code: Code, line: u64, message: String) -> Diagnostic {
    let (place, message) = at_row(file, line, message);
    Diagnostic::error(code, place, message)
}

impl Longest {
    fn see(&mut self, excess: Excess, characters: usize, line: u64) {
        if excess.is_none() {
            return;
        }
        self.excess.add(excess);
        self.rows += 1;
        if characters > self.characters {
            (self.line, self.characters) = (line, characters);
        }
    }
}

/// Says what is wrong with a value: nobody looks at each row of a file, so what no reader would see is refused.
fn flaw(value: &str) -> Option<String> {
    if value.len() > TEXT_BYTES_MAX {
        Some(format!(
            "has {} bytes, and no channel takes more than a few thousand",
            number(value.len() as u64)
        ))
    } else {
        TextFlaw::of(value).map(|flaw| flaw.to_string())
    }
}
