//! What a Parquet page says of its size: as much of Thrift's compact protocol as that takes.

use std::io::{self, Read};

/// Levels of structs in structs; a header has two.
const LEVELS_MAX: u8 = 8;

/// Kinds of fields.
const STOP: u8 = 0;
const INT32: u8 = 5;
const STRUCT: u8 = 12;

/// What a page's header says (`parquet.thrift`, `PageHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageHeader {
    /// Bytes once unpacked, levels included.
    pub(super) unpacked: u64,
    /// Bytes in the file.
    pub(super) packed: u64,
    /// Values of a dictionary; 0 for other pages.
    pub(super) dictionary_values: u64,
    /// Bytes of levels in front of what is packed.
    pub(super) level_bytes: u64,
}

impl PageHeader {
    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let (mut header, mut thrift) = (Self::default(), Thrift(input));
        let mut seen = [false; 3];
        let mut once = |place: usize| {
            let is_again = std::mem::replace(&mut seen[place], true);
            if is_again { Err(malformed()) } else { Ok(()) }
        };
        let mut id = 0;
        while let Some(kind) = thrift.field(&mut id)? {
            match (id, kind) {
                (2, INT32) => {
                    once(0)?;
                    header.unpacked = thrift.size()?;
                }
                (3, INT32) => {
                    once(1)?;
                    header.packed = thrift.size()?;
                }
                (7, STRUCT) => {
                    once(2)?;
                    header.dictionary_values = thrift.sizes(&[1])?;
                }
                // Data of version 2, which says how long its levels are.
                (8, STRUCT) => {
                    once(2)?;
                    header.level_bytes = thrift.sizes(&[5, 6])?;
                }
                (2 | 3 | 7 | 8, _) => return Err(malformed()),
                (_, kind) => thrift.skip(kind, LEVELS_MAX)?,
            }
        }
        Ok(header)
    }
}

/// The compact protocol (thrift-compact-protocol.md).
struct Thrift<'input, R>(&'input mut R);

impl<R: Read> Thrift<'_, R> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(malformed())
    }

    /// Reads a number that is not negative.
    fn size(&mut self) -> io::Result<u64> {
        let zigzag = self.varint()?;
        if zigzag & 1 == 0 { Ok(zigzag >> 1) } else { Err(malformed()) }
    }

    /// Reads the beginning of a field: sets its number, and returns its kind, or nothing at the end of a struct.
    fn field(&mut self, id: &mut u64) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        let (delta, kind) = (byte >> 4, byte & 0x0f);
        if kind == STOP {
            return Ok(None);
        }
        *id = if delta == 0 { self.size()? } else { *id + u64::from(delta) };
        Ok(Some(kind))
    }

    /// Reads a struct, and returns the sum of some of its numbers.
    fn sizes(&mut self, wanted: &[u64]) -> io::Result<u64> {
        let (mut id, mut last, mut sum) = (0, 0, 0_u64);
        while let Some(kind) = self.field(&mut id)? {
            if !wanted.contains(&id) {
                self.skip(kind, LEVELS_MAX)?;
            } else if kind == INT32 && id > last {
                sum = sum.saturating_add(self.size()?);
                last = id;
            } else {
                return Err(malformed());
            }
        }
        Ok(sum)
    }

    fn skip(&mut self, kind: u8, levels: u8) -> io::Result<()> {
        let levels = levels.checked_sub(1).ok_or_else(malformed)?;
        match kind {
            // The kind of a boolean is its value.
            1 | 2 => Ok(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let bytes = self.varint()?;
                self.pass(bytes)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                let kind = byte & 0x0f;
                (0..count).try_for_each(|_| if kind <= 2 { self.pass(1) } else { self.skip(kind, levels) })
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, levels)?;
                }
                Ok(())
            }
            _ => Err(malformed()),
        }
    }

    fn pass(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.0.by_ref().take(bytes), &mut io::sink())?;
        if passed == bytes { Ok(()) } else { Err(malformed()) }
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the header of a page is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_among_what_else_a_header_has() {
        // Type, sizes, a checksum, and data of version 2 with statistics of a text behind its levels.
        let bytes: &[u8] = &[
            0x15, 6, 0x15, 0x90, 0x01, 0x15, 40, 0x15, 9, 0x4c, 0x15, 8, 0x15, 0, 0x15, 8, 0x15, 0, 0x15, 6,
            0x15, 4, 0x11, 0x1c, 0x18, 2, b'a', b'b', 0, 0, 0,
        ];
        let header = PageHeader::read(&mut &bytes[..]).unwrap();
        assert_eq!(header, PageHeader { unpacked: 72, packed: 20, dictionary_values: 0, level_bytes: 5 });
        for length in 0..bytes.len() {
            assert!(PageHeader::read(&mut &bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_header_that_says_a_size_twice_or_as_something_else_is_malformed() {
        for bytes in [
            // The sizes, and again the first one, by its number.
            &[0x25, 2, 0x15, 2, 0x05, 4, 4, 0][..],
            // A negative one.
            &[0x25, 3, 0],
            // A size of another kind.
            &[0x26, 2, 0],
            // A dictionary that says twice how much it has.
            &[0x7c, 0x15, 2, 0x05, 2, 2, 0, 0],
            // Lists without end in lists.
            &[0x99, 0x19, 0x19, 0x19, 0x19, 0x19, 0x19, 0x19, 0x19, 0x19, 0x19, 0x19, 0, 0],
        ] {
            assert!(PageHeader::read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
        assert!(PageHeader::read(&mut &[0x25, 2, 0x15, 2, 0][..]).is_ok());
    }
}
