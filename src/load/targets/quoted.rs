//! The records of CSV lines that may have quotes, as RFC 4180 has them.
//!
//! A quote opens a field at its beginning only, and closes it only before a comma or a break; inside of it, two are one.
//! Readers that make something of a quote elsewhere make one record of several, and people get lost in it. So such a
//! record is a mistake, whichever column it is in. Lines are taken one at a time, so that every mistake's line is known,
//! and so that an unclosed quote cannot draw the rest of the file into memory.

use std::io::Read;

use memchr::{memchr, memchr3};

use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::{BadLine, BadLineReason, TooLarge};

/// A record, cut into fields.
#[derive(Clone, Copy)]
pub(super) struct Fields<'record> {
    bytes: &'record [u8],
    ends: &'record [usize],
    /// Bytes between a field's end and the next one's start.
    gap: usize,
}

impl<'record> Fields<'record> {
    /// Takes a line as it stands, and the ends of its fields.
    #[inline]
    pub(super) fn at_commas(bytes: &'record [u8], ends: &'record [usize]) -> Self {
        Self { bytes, ends, gap: 1 }
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn get(self, place: usize) -> Option<&'record [u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before] + self.gap);
        Some(&self.bytes[start..end])
    }
}

/// Cuts records that may have quotes, and holds the fields of the last one, unquoted.
#[derive(Debug, Default)]
pub(super) struct Quoted {
    /// How many bytes at the end of the current line belong to no record yet.
    left: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Quoted {
    pub(super) fn fields(&self) -> Fields<'_> {
        Fields { bytes: &self.bytes, ends: &self.ends, gap: 0 }
    }

    /// Whether a carriage return within a line ended a record before the line's end.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        self.left > 0
    }

    /// Takes the line that `lines` found last, and what follows as far as its record goes.
    pub(super) fn begin<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<Option<u64>, BadLine> {
        self.left = lines.current().len();
        self.go_on(lines)
    }

    /// Reads a record from what is left of the line, and further. Returns the line it begins on, or nothing where there
    /// was no more than blank lines. A record that is malformed is left with the rest of its last line.
    pub(super) fn go_on<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<Option<u64>, BadLine> {
        self.bytes.clear();
        self.ends.clear();
        while self.is_at_break(lines) {
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            match lines.advance() {
                Ok(Line::Whole) => self.left = lines.current().len(),
                Ok(Line::End) => return Ok(None),
                Ok(Line::TooLong) => return Err(self.leave_at(lines.too_long())),
                Err(error) => return Err(self.leave_at(lines.broken(error))),
            }
        }
        let line = lines.line();
        loop {
            if self.rest(lines).first() == Some(&b'"') {
                self.quoted_field(lines)?;
            } else {
                self.bare_field(lines)?;
            }
            self.ends.push(self.bytes.len());
            let is_last = self.is_at_break(lines);
            // What ends a field: a comma, a carriage return, or nothing.
            self.left = self.left.saturating_sub(1);
            if is_last {
                return Ok(Some(line));
            }
        }
    }

    /// Takes a field that does not begin with a quote.
    fn bare_field<R: Read>(&mut self, lines: &Lines<R>) -> Result<(), BadLine> {
        let rest = self.rest(lines);
        let length = memchr3(b',', b'\r', b'"', rest).unwrap_or(rest.len());
        if rest.get(length) == Some(&b'"') {
            return Err(self.leave(lines.line(), BadLineReason::QuoteInField));
        }
        self.bytes.extend_from_slice(&rest[..length]);
        self.left -= length;
        Ok(())
    }

    /// Takes a field from its quote to the one that closes it, however many lines that is.
    fn quoted_field<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<(), BadLine> {
        let opened = lines.line();
        self.left -= 1;
        loop {
            let rest = self.rest(lines);
            if let Some(length) = memchr(b'"', rest) {
                self.bytes.extend_from_slice(&rest[..length]);
                self.left -= length + 1;
                match rest.get(length + 1) {
                    Some(b'"') => {
                        self.bytes.push(b'"');
                        self.left -= 1;
                    }
                    None | Some(b',' | b'\r') => return Ok(()),
                    Some(_) if lines.line() == opened => {
                        return Err(self.leave(opened, BadLineReason::TextAfterQuote));
                    }
                    Some(_) => return Err(self.leave(opened, BadLineReason::QuoteRunsOn(lines.line()))),
                }
                continue;
            }
            self.bytes.extend_from_slice(rest);
            self.bytes.push(b'\n');
            if self.bytes.len() > lines.line_bytes_max() {
                return Err(self.too_long(opened, lines));
            }
            match lines.advance() {
                Ok(Line::Whole) => self.left = lines.current().len(),
                Ok(Line::TooLong) => return Err(self.too_long(opened, lines)),
                Ok(Line::End) => return Err(self.leave(opened, BadLineReason::UnclosedQuote)),
                Err(error) => return Err(self.leave(opened, lines.broken(error).why)),
            }
        }
    }

    /// Returns what is left of the line.
    #[inline]
    fn rest<'line, R: Read>(&self, lines: &'line Lines<R>) -> &'line [u8] {
        let line = lines.current();
        &line[line.len() - self.left..]
    }

    /// Whether a line ends here, be it with a carriage return alone.
    #[inline]
    fn is_at_break<R: Read>(&self, lines: &Lines<R>) -> bool {
        matches!(self.rest(lines).first(), None | Some(b'\r'))
    }

    /// Gives up a record whose quote stays open for longer than a record may be.
    #[cold]
    fn too_long<R: Read>(&mut self, opened: u64, lines: &Lines<R>) -> BadLine {
        self.leave(opened, BadLineReason::TooLarge(TooLarge::Quote(lines.line_bytes_max())))
    }

    /// Gives up a record, with the rest of the line.
    #[cold]
    fn leave_at(&mut self, bad: BadLine) -> BadLine {
        self.leave(bad.line, bad.why)
    }

    /// Gives up a record, with the rest of the line.
    #[cold]
    fn leave(&mut self, line: u64, why: BadLineReason) -> BadLine {
        self.left = 0;
        BadLine { line, why }
    }
}

#[cfg(test)]
mod tests {
    use csv_core::{ReadRecordResult, Reader};

    use super::*;

    /// The records of a text, or the line of the first mistake and what it is.
    fn cut(text: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, (u64, String)> {
        let (mut lines, mut quoted, mut records) = (Lines::new(text, 1 << 16), Quoted::default(), Vec::new());
        // Blank lines in front are skipped like others.
        while quoted.go_on(&mut lines).map_err(|bad| (bad.line, bad.why.to_string()))?.is_some() {
            let fields = quoted.fields();
            records.push((0..fields.len()).map(|place| fields.get(place).unwrap().to_vec()).collect());
        }
        Ok(records)
    }

    /// What the `csv-core` crate makes of a text. It takes quotes anywhere.
    fn by_the_crate(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let (mut reader, mut text, mut records) = (Reader::new(), text, Vec::new());
        let (mut bytes, mut ends) = (vec![0; 1024], vec![0; 1024]);
        let (mut written, mut fields) = (0, 0);
        loop {
            let (result, taken, put, ended) =
                reader.read_record(text, &mut bytes[written..], &mut ends[fields..]);
            text = &text[taken..];
            written += put;
            fields += ended;
            match result {
                ReadRecordResult::End => return records,
                ReadRecordResult::Record => {
                    let starts = std::iter::once(&0).chain(&ends);
                    let record = starts.zip(&ends[..fields]).map(|(&start, &end)| bytes[start..end].to_vec());
                    records.push(record.collect());
                    (written, fields) = (0, 0);
                }
                _ => {}
            }
        }
    }

    /// Whether a text is sound, read letter by letter.
    fn is_sound(text: &[u8]) -> bool {
        #[derive(Clone, Copy, PartialEq)]
        enum At {
            Start,
            Bare,
            Open,
            Closed,
        }
        let mut at = At::Start;
        for byte in text {
            at = match (at, byte) {
                (At::Open, b'"') => At::Closed,
                (At::Start | At::Closed, b'"') | (At::Open, _) => At::Open,
                (_, b',' | b'\r' | b'\n') => At::Start,
                (At::Bare, b'"') | (At::Closed, _) => return false,
                (At::Start | At::Bare, _) => At::Bare,
            };
        }
        at != At::Open
    }

    /// Without breaks: of those in a field, `Lines` drops some, and none is sent.
    fn without_breaks(records: Vec<Vec<Vec<u8>>>) -> Vec<Vec<Vec<u8>>> {
        let mut records = records;
        for field in records.iter_mut().flatten() {
            field.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        }
        records
    }

    #[test]
    fn quotes_where_they_may_not_be_are_named() {
        let mistake = |text: &str| cut(text.as_bytes()).unwrap_err();
        for (text, line, why) in [
            (
                "u1,\"Ann\nu2,\"Bob\"\nu3,C\n",
                1,
                "the quote that is opened here runs on to line 2, where text follows it",
            ),
            (
                "u1,\"two\nlines\",\"x\n\n,\"y\n",
                2,
                "the quote that is opened here runs on to line 4, where text follows it",
            ),
            ("a,b\n\"\"u2\"\",B\n", 2, "text follows a closing quote"),
            ("\"u1\" ,B", 1, "text follows a closing quote"),
            ("a,b\r\nu1,An\"n\"\r\n", 2, "a quote is inside a field that does not begin with one"),
            ("u1, \"Ann\"", 1, "a quote is inside a field that does not begin with one"),
            ("\"a\nb\",\"c\nd", 2, "a quote is opened here and never closed"),
            ("u1,\"", 1, "a quote is opened here and never closed"),
        ] {
            assert_eq!(mistake(text), (line, why.to_owned()), "{text:?}");
        }
    }

    proptest::proptest! {
        /// Nothing that is sound is refused, nothing else is taken, and fields are where others find them.
        #[test]
        fn sound_text_means_what_the_crate_reads(text in "[a,\"\"\r\n]{0,16}") {
            let found = cut(text.as_bytes());
            proptest::prop_assert_eq!(found.is_ok(), is_sound(text.as_bytes()));
            if let Ok(records) = found {
                proptest::prop_assert_eq!(
                    without_breaks(records),
                    without_breaks(by_the_crate(text.as_bytes()))
                );
            }
        }

        /// However the fields are, written as RFC 4180 has it they are read back.
        #[test]
        fn what_is_quoted_is_read_back(
            records in proptest::collection::vec(proptest::collection::vec("[a, \"é]{0,4}(\n[b\"]{1,2})?", 1..4), 0..4),
            line_end in "\r?\n",
        ) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let line = |record: &Vec<String>| record.iter().map(quoted).collect::<Vec<_>>().join(",");
            let text = records.iter().map(line).collect::<Vec<_>>().join(&line_end);
            let expected: Vec<Vec<Vec<u8>>> =
                records.iter().map(|record| record.iter().map(|field| field.clone().into_bytes()).collect()).collect();
            proptest::prop_assert_eq!(cut(text.as_bytes()), Ok(expected.clone()));
            proptest::prop_assert_eq!(cut(format!("{text}{line_end}").as_bytes()), Ok(expected));
        }
    }
}
