//! The records of a CSV stream: cut into fields by `csv-core`, once they are sound.
//!
//! As RFC 4180 has it, a quote opens a field at its beginning only, and closes it only before a comma or a break; inside of
//! it, two are one. `csv-core` makes something of a quote elsewhere, and one record of several, and people get lost in it. So
//! such a record is a mistake, whichever column it is in. Lines are taken one at a time, so that every mistake's line is
//! known, and so that an unclosed quote cannot draw the rest of the file into memory.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader};
use memchr::memchr2;

use crate::load::targets::lines::{Line, Lines};
use crate::load::targets::{BadLine, BadLineReason, TooLarge};

/// A record's fields, without their quotes.
#[derive(Clone, Copy)]
pub(super) struct Fields<'record> {
    bytes: &'record [u8],
    ends: &'record [usize],
}

impl<'record> Fields<'record> {
    #[inline]
    pub(super) fn len(self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn get(self, place: usize) -> Option<&'record [u8]> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }
}

/// Cuts records, and holds the fields of the last one.
#[derive(Debug)]
pub(super) struct Records {
    /// How many bytes at the end of the current line belong to no record yet.
    left: usize,
    reader: Reader,
    bytes: Vec<u8>,
    bytes_count: usize,
    ends: Vec<usize>,
    ends_count: usize,
}

/// Where in a record the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the beginning of a field.
    Start,
    /// In a field without quotes.
    Bare,
    /// Behind the quote that opened a field on this line.
    Open(u64),
    /// Behind a quote that may close such a field.
    Closed(u64),
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            left: 0,
            reader: reader(),
            bytes: vec![0; 256],
            bytes_count: 0,
            ends: vec![0; 16],
            ends_count: 0,
        }
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        Fields { bytes: &self.bytes[..self.bytes_count], ends: &self.ends[..self.ends_count] }
    }

    /// Whether a carriage return within a line ended a record before the line's end.
    #[inline]
    pub(super) fn has_more(&self) -> bool {
        self.left > 0
    }

    /// Takes the line that `lines` found last, and what follows as far as its record goes.
    #[inline]
    pub(super) fn begin<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<Option<u64>, BadLine> {
        self.left = lines.current().len();
        self.go_on(lines)
    }

    /// Reads a record from what is left of the line, and further. Returns the line it begins on, or nothing where there
    /// was no more than blank lines. A record that is malformed is left with the rest of its last line.
    pub(super) fn go_on<R: Read>(&mut self, lines: &mut Lines<R>) -> Result<Option<u64>, BadLine> {
        (self.bytes_count, self.ends_count) = (0, 0);
        while matches!(self.rest(lines).first(), None | Some(b'\r')) {
            if self.left > 0 {
                self.left -= 1;
                continue;
            }
            match lines.advance() {
                Ok(Line::Whole) => self.left = lines.current().len(),
                Ok(Line::End) => return Ok(None),
                Ok(Line::TooLong) => return Err(lines.too_long()),
                Err(error) => return Err(lines.broken(error)),
            }
        }
        let line = lines.line();
        let mut at = At::Start;
        loop {
            let rest = self.rest(lines);
            let length = match sound(rest, &mut at, lines.line()) {
                Ok(length) => length,
                Err(bad) => return Err(self.leave(bad)),
            };
            self.cut(&rest[..length]);
            // With the carriage return that ends the record, if one does.
            self.left = self.left.saturating_sub(length + 1);
            let is_record = self.cut(b"\n");
            let At::Open(opened) = at else {
                debug_assert!(is_record, "a record ends where no quote is open");
                return Ok(Some(line));
            };
            if self.bytes_count > lines.line_bytes_max() {
                return Err(self.too_long(opened, lines));
            }
            match lines.advance() {
                Ok(Line::Whole) => self.left = lines.current().len(),
                Ok(Line::TooLong) => return Err(self.too_long(opened, lines)),
                Ok(Line::End) => {
                    return Err(self.leave(BadLine { line: opened, why: BadLineReason::UnclosedQuote }));
                }
                Err(error) => {
                    return Err(self.leave(BadLine { line: opened, why: lines.broken(error).why }));
                }
            }
        }
    }

    /// Hands bytes of a sound record on, and returns whether it ends with them.
    #[inline]
    fn cut(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let (into, ends) = (&mut self.bytes[self.bytes_count..], &mut self.ends[self.ends_count..]);
            let (result, taken, put, ended) = self.reader.read_record(bytes, into, ends);
            bytes = &bytes[taken..];
            self.bytes_count += put;
            self.ends_count += ended;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    /// Returns what is left of the line.
    #[inline]
    fn rest<'line, R: Read>(&self, lines: &'line Lines<R>) -> &'line [u8] {
        let line = lines.current();
        &line[line.len() - self.left..]
    }

    /// Gives up a record whose quote stays open for longer than a record may be.
    #[cold]
    fn too_long<R: Read>(&mut self, opened: u64, lines: &Lines<R>) -> BadLine {
        let why = BadLineReason::TooLarge(TooLarge::Quote(lines.line_bytes_max()));
        self.leave(BadLine { line: opened, why })
    }

    /// Gives up a record, with the rest of the line.
    #[cold]
    fn leave(&mut self, bad: BadLine) -> BadLine {
        self.left = 0;
        self.reader = reader();
        bad
    }
}

/// Makes a reader that stands behind a line: at the beginning of a file it would drop a byte-order mark, which `Lines` has
/// done.
fn reader() -> Reader {
    let mut reader = Reader::new();
    reader.read_record(b"\n", &mut [], &mut []);
    reader
}

/// Goes through what is left of a line, and returns how much of it belongs to the record.
#[inline]
fn sound(rest: &[u8], at: &mut At, line: u64) -> Result<usize, BadLine> {
    if *at == At::Start && memchr2(b'"', b'\r', rest).is_none() {
        return Ok(rest.len());
    }
    for (place, byte) in rest.iter().enumerate() {
        *at = match (*at, byte) {
            (At::Start, b'"') => At::Open(line),
            (At::Open(opened), b'"') => At::Closed(opened),
            (At::Closed(opened), b'"') => At::Open(opened),
            (At::Open(_), _) => continue,
            (_, b'\r') => return Ok(place),
            (_, b',') => At::Start,
            (At::Bare, b'"') => return Err(BadLine { line, why: BadLineReason::QuoteInField }),
            (At::Start | At::Bare, _) => At::Bare,
            (At::Closed(opened), _) if opened == line => {
                return Err(BadLine { line, why: BadLineReason::TextAfterQuote });
            }
            (At::Closed(opened), _) => {
                return Err(BadLine { line: opened, why: BadLineReason::QuoteRunsOn(line) });
            }
        };
    }
    Ok(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Texts = Vec<Vec<Vec<u8>>>;

    /// The records of a text, or the line of the first mistake and what it is.
    fn cut(text: &[u8]) -> Result<Texts, (u64, String)> {
        let (mut lines, mut records, mut found) = (Lines::new(text, 1 << 16), Records::new(), Vec::new());
        // Blank lines in front are skipped like others.
        while records.go_on(&mut lines).map_err(|bad| (bad.line, bad.why.to_string()))?.is_some() {
            let fields = records.fields();
            found.push((0..fields.len()).map(|place| fields.get(place).unwrap().to_vec()).collect());
        }
        Ok(found)
    }

    /// What the grammar of RFC 4180 makes of a text, a record and a field at a time; nothing of what it does not have. Blank
    /// lines are no records.
    fn by_the_grammar(mut text: &[u8]) -> Option<Texts> {
        let mut records = Vec::new();
        loop {
            while let [b'\r' | b'\n', rest @ ..] = text {
                text = rest;
            }
            if text.is_empty() {
                return Some(records);
            }
            let mut record = Vec::new();
            loop {
                let (field, rest) = field(text)?;
                record.push(field);
                match rest {
                    [b',', rest @ ..] => text = rest,
                    [] | [b'\r' | b'\n', ..] => {
                        text = rest;
                        break;
                    }
                    _ => return None,
                }
            }
            records.push(record);
        }
    }

    /// Takes a field off a text: an escaped one, or one that is not.
    fn field(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
        let Some(mut rest) = text.strip_prefix(b"\"") else {
            let length = text.iter().position(|byte| b",\r\n\"".contains(byte)).unwrap_or(text.len());
            return Some((text[..length].to_vec(), &text[length..]));
        };
        let mut field = Vec::new();
        loop {
            let length = rest.iter().position(|byte| *byte == b'"')?;
            field.extend_from_slice(&rest[..length]);
            rest = &rest[length + 1..];
            match rest.strip_prefix(b"\"") {
                Some(behind) => rest = behind,
                None => return Some((field, rest)),
            }
            field.push(b'"');
        }
    }

    /// Without breaks: of those in a field, `Lines` drops some, and none is sent.
    fn without_breaks(mut records: Texts) -> Texts {
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

    #[test]
    fn a_byte_order_mark_is_dropped_by_nobody_but_the_lines() {
        let mark = "\u{feff}";
        let found = cut(format!("{mark}{mark}a\n{mark}b,\"c\n\"\n{mark}d\n").as_bytes()).unwrap();
        let texts =
            [vec![format!("{mark}a")], vec![format!("{mark}b"), "c\n".to_owned()], vec![format!("{mark}d")]];
        assert_eq!(found, texts.map(|record| record.into_iter().map(String::into_bytes).collect::<Vec<_>>()));
        let (text, mut records) = (format!("a\n\"b\" c\n{mark}d"), Records::new());
        let mut lines = Lines::new(text.as_bytes(), 1 << 16);
        assert!(records.go_on(&mut lines).is_ok() && records.go_on(&mut lines).is_err());
        assert_eq!(records.go_on(&mut lines).unwrap(), Some(3));
        assert_eq!(records.fields().get(0), Some(format!("{mark}d").as_bytes()));
    }

    proptest::proptest! {
        /// Nothing that is sound is refused, nothing else is taken, and fields are where the grammar has them.
        #[test]
        fn sound_text_means_what_the_grammar_says(text in "[a,\"\"\r\n]{0,16}") {
            let found = cut(text.as_bytes()).ok().map(without_breaks);
            proptest::prop_assert_eq!(found, by_the_grammar(text.as_bytes()).map(without_breaks));
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
