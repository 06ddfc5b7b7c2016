//! How many texts a Parquet page in a `DELTA` encoding says that it has, looked at before the `parquet` crate makes room
//! for the lengths of them all.
//!
//! Such a page begins with a run of lengths, which says how many there are (`Encodings.md`, `DELTA_BINARY_PACKED`), and
//! a few bytes of it stand for any number of equal ones.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;

use crate::load::targets::TooLarge;

/// Most values of such a page, 4 bytes of memory for each: writers end theirs at a MiB or so.
const VALUES_MAX: u64 = 1 << 24;

/// The pages of a column of texts that is no list and in nothing else.
pub(super) struct DeltaPages<P> {
    pub(super) pages: P,
    /// Whether the column may lack values, so that each page begins with which ones it has.
    pub(super) has_levels: bool,
}

impl<P: PageReader> PageReader for DeltaPages<P> {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        page.iter().try_for_each(|page| look(page, self.has_levels))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool, ParquetError> {
        self.pages.at_record_boundary()
    }
}

impl<P: PageReader> Iterator for DeltaPages<P> {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// Holds a page to the values that its header has.
fn look(page: &Page, has_levels: bool) -> Result<(), ParquetError> {
    let runs = match page.encoding() {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        // How much of the text before each begins with, and how much it adds.
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => return Ok(()),
    };
    let has = u64::from(page.num_values());
    if has > VALUES_MAX {
        return Err(ParquetError::External(Box::new(TooLarge::PageValues(VALUES_MAX))));
    }
    let values = match page {
        Page::DataPage { buf, num_values, def_level_encoding, .. } => {
            match (has_levels, def_level_encoding) {
                (false, _) => Some(&buf[..]),
                #[expect(deprecated, reason = "files of old writers have it")]
                (true, Encoding::BIT_PACKED) => buf.get(num_values.div_ceil(8) as usize..),
                (true, _) => buf
                    .split_first_chunk()
                    .and_then(|(bytes, rest)| rest.get(u32::from_le_bytes(*bytes) as usize..)),
            }
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            buf.get(*def_levels_byte_len as usize + *rep_levels_byte_len as usize..)
        }
        Page::DictionaryPage { .. } => None,
    };
    let mut values = Values(values.ok_or_else(|| damaged("a page is shorter than it says"))?);
    for _ in 0..runs {
        match values.pass_run(has) {
            Some(said) if said <= has => {}
            Some(_) => return Err(damaged("a page says that it has more lengths than values")),
            None => return Err(damaged("a page ends within its lengths")),
        }
    }
    Ok(())
}

/// What is left of a page.
struct Values<'page>(&'page [u8]);

impl<'page> Values<'page> {
    /// Returns how many numbers a run says that it has, and passes it if there are not more than `most`.
    fn pass_run(&mut self, most: u64) -> Option<u64> {
        let (of_block, miniblocks) = (self.varint()?, self.varint()?);
        let (count, _first) = (self.varint()?, self.varint()?);
        if count > most {
            return Some(count);
        }
        let of_miniblock = of_block.checked_div(miniblocks).filter(|values| *values > 0)?;
        let mut rest = count.saturating_sub(1);
        while rest > 0 {
            let _least = self.varint()?;
            for bits in self.take(miniblocks)? {
                // Those behind the last number have no bytes.
                if rest > 0 {
                    self.take(of_miniblock.checked_mul(u64::from(*bits))? / 8)?;
                    rest = rest.saturating_sub(of_miniblock);
                }
            }
        }
        Some(count)
    }

    fn take(&mut self, bytes: u64) -> Option<&'page [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

fn damaged(why: &str) -> ParquetError {
    ParquetError::General(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(encoding: Encoding, num_values: u32, bytes: &[u8]) -> Page {
        Page::DataPage {
            buf: bytes.to_vec().into(),
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        }
    }

    fn told(page: &Page, has_levels: bool) -> String {
        look(page, has_levels).map_or_else(|error| error.to_string(), |()| String::new())
    }

    /// Blocks of 128 in 4, `count` numbers, the first one 0; and blocks of equal ones.
    fn run(count: &[u8], blocks: usize) -> Vec<u8> {
        let block: &[u8] = &[0; 5];
        [&[0x80, 0x01, 4][..], count, &[0], &block.repeat(blocks)].concat()
    }

    #[test]
    fn no_more_lengths_than_values_are_made_room_for() {
        let (length, prefix) = (Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY);
        let more = "more lengths than values";
        assert_eq!(told(&page(length, 200, &run(&[200, 1], 2)), false), "");
        // 2 147 483 647 of them.
        let many: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x07];
        let huge = [&[0x80, 0x80, 0x80, 0x80, 0x08, 4][..], many, &[0; 6]].concat();
        assert!(told(&page(length, 200, &huge), false).contains(more));
        assert!(
            told(&page(length, u32::MAX, &huge), false).contains("a page has more than 16 777 216 values")
        );
        assert!(told(&page(length, 200, &run(&[201, 1], 2)), false).contains(more));
        // Both runs count, the second one behind what the first one takes.
        let both = |second: &[u8]| [run(&[200, 1], 2), second.to_vec()].concat();
        assert_eq!(told(&page(prefix, 200, &both(&run(&[200, 1], 2))), false), "");
        assert!(told(&page(prefix, 200, &both(&huge)), false).contains(more));
        // Widths of 3 bits: 12 bytes for each 32.
        let wide = [&[0x80, 0x01, 4, 33, 0, 0, 3, 3, 3, 3][..], &[0; 12]].concat();
        assert!(told(&page(prefix, 200, &[&wide[..], &huge].concat()), false).contains(more));
        // Which values are there stands before all, behind its length.
        let levels = |rest: &[u8]| [&[2, 0, 0, 0, 0x90, 0x01][..], rest].concat();
        assert_eq!(told(&page(length, 200, &levels(&run(&[200, 1], 2))), true), "");
        assert!(told(&page(length, 200, &levels(&huge)), true).contains(more));
        // Other encodings make no such room.
        assert_eq!(told(&page(Encoding::PLAIN, u32::MAX, &huge), false), "");
    }

    #[test]
    fn a_page_that_ends_within_its_lengths_is_damaged() {
        let whole = run(&[200, 1], 2);
        for length in 0..whole.len() {
            let said = told(&page(Encoding::DELTA_LENGTH_BYTE_ARRAY, 200, &whole[..length]), false);
            assert!(said.contains("a page ends within its lengths"), "{length}: {said}");
        }
        // No block has a number, so that there would be no end of them.
        let empty = [&[0, 4, 3, 0][..], &[0; 100]].concat();
        assert!(told(&page(Encoding::DELTA_BYTE_ARRAY, 200, &empty), false).contains("ends within"));
    }
}
