//! The rows of one campaign's audience with the values that it takes, as they are read again to be sent to.

use std::collections::VecDeque;

use crate::check::AudienceSource;
use crate::diagnostic::{Code, Diagnostic, Place};
use crate::domain::{RowSeal, RowValues, TargetId, TargetRow, Unsealing};
use crate::resolve::{AudienceRows, DesiredCampaign};

/// The rows of a campaign's audience, one after the other, repeats included. The values of a row are those of the campaign's
/// placeholders, in the order of its `values_from`.
#[derive(Debug)]
pub struct CampaignRows<'a> {
    rows: AudienceRows<'a>,
    own: Option<OwnValues>,
}

/// What it takes to hand out rows with values.
///
/// Under a seal, rows are held back until they are proven to be those that were checked and reviewed; from the first one
/// that is not, there are no more.
#[derive(Debug)]
struct OwnValues {
    /// For each placeholder, the place of its column among the audience's.
    places: Vec<usize>,
    unsealing: Option<Unsealing>,
    /// Proven, or not in need of it.
    ready: VecDeque<Held>,
    /// The row that was handed out last.
    lent: Option<Held>,
    /// Blamed where rows are not what they were.
    file_at: Place,
    is_over: bool,
}

/// A row that is kept.
#[derive(Debug)]
struct Held {
    line: u64,
    id: TargetId,
    values: RowValues,
}

impl DesiredCampaign {
    /// Streams the rows of its audience. `seal` is that of the audience's contents, where those were read before.
    ///
    /// # Errors
    ///
    /// Returns a diagnostic where a file gives no rows at all.
    ///
    /// # Panics
    ///
    /// Panics if its audience was not resolved with it, and lacks a column that it takes.
    pub fn rows(&self, seal: Option<&RowSeal>) -> Result<CampaignRows<'_>, Box<Diagnostic>> {
        let rows = self.audience.rows()?;
        let own = match &self.audience.source {
            AudienceSource::File { file, .. } if !self.campaign.values_from.is_empty() => {
                let place_of = |column: &String| file.value_columns.iter().position(|known| known == column);
                let places = self.campaign.values_from.values().map(place_of).collect::<Option<_>>();
                Some(OwnValues {
                    places: places.expect("an audience has the columns of all its campaigns"),
                    unsealing: seal.cloned().map(Unsealing::new),
                    ready: VecDeque::new(),
                    lent: None,
                    file_at: Place::file(&file.shown_as),
                    is_over: false,
                })
            }
            _ => None,
        };
        Ok(CampaignRows { rows, own })
    }
}

impl CampaignRows<'_> {
    /// Reads the next row, or a diagnostic of why there is none. The row lives until the next one is read.
    pub fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<Diagnostic>>> {
        let Some(own) = &mut self.own else {
            // Columns that other campaigns take are none of this one's.
            return Some(self.rows.next_row()?.map(|row| TargetRow { values: RowValues::NONE, ..row }));
        };
        if own.ready.is_empty()
            && let Err(mistake) = own.advance(&mut self.rows)
        {
            return Some(Err(mistake));
        }
        own.lent = own.ready.pop_front();
        let held = own.lent.as_ref()?;
        Some(Ok(TargetRow { line: held.line, id: held.id.borrowed(), values: &held.values }))
    }
}

impl OwnValues {
    /// Reads on until there is something to hand out, or nothing any more.
    fn advance(&mut self, rows: &mut AudienceRows<'_>) -> Result<(), Box<Diagnostic>> {
        let mut waiting = VecDeque::new();
        while self.ready.is_empty() && !self.is_over {
            let is_proven = match rows.next_row() {
                Some(Ok(row)) => {
                    waiting.push_back(Held::of(&row, &self.places));
                    self.unsealing.as_mut().map_or(Some(true), |unsealing| unsealing.add(row.id, row.values))
                }
                Some(Err(mistake)) => {
                    self.is_over = true;
                    return Err(mistake);
                }
                None => {
                    self.is_over = true;
                    Some(self.unsealing.as_mut().is_none_or(Unsealing::finish))
                }
            };
            match is_proven {
                Some(true) => self.ready.append(&mut waiting),
                Some(false) => {
                    self.is_over = true;
                    return Err(Box::new(changed(self.file_at.clone())));
                }
                None => {}
            }
        }
        Ok(())
    }
}

impl Held {
    fn of(row: &TargetRow<'_>, places: &[usize]) -> Self {
        let mut values = RowValues::default();
        for place in places {
            values.push(row.values.get(*place).expect("every row gives a value for each column"));
        }
        Self { line: row.line, id: row.id.to_owned(), values }
    }
}

fn changed(file_at: Place) -> Diagnostic {
    let message =
        "the file has changed since it was planned, and its values are not those that were reviewed";
    Diagnostic::error(Code::AudienceValue, file_at, message).help("plan again, and have it reviewed")
}
