//! Whether a Parquet file is one file, as its footer says: joined ones, read through the last footer, would lose people.
//!
//! Some writers leave a copy of a column's description behind the column, and zeros up to a block's end, so that not every
//! byte has an owner. What is more than that is another file's.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

/// What every file begins and ends with.
const MAGIC: &[u8; 4] = b"PAR1";

/// The footer's length and the magic behind it.
const TAIL_BYTES: u64 = 8;

/// Returns how many bytes belong to nothing that the footer names, where they are more than writers leave: more than the
/// footer itself has, which holds every description that may be repeated.
pub(super) fn unaccounted(metadata: &ParquetMetaData, file: &mut &File) -> io::Result<Option<u64>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut tail = [0; 4];
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    file.read_exact(&mut tail)?;
    let footer_bytes = u64::from(u32::from_le_bytes(tail));
    let data = MAGIC.len() as u64..length.saturating_sub(TAIL_BYTES + footer_bytes);
    let gaps = gaps(owned(metadata, data.end), data);
    let bytes: u64 = gaps.iter().map(|gap| gap.end - gap.start).sum();
    if bytes <= footer_bytes {
        return Ok(None);
    }
    let mut unknown = 0;
    for gap in gaps {
        unknown += without_padding(file, gap)?;
    }
    Ok((unknown > footer_bytes).then_some(unknown))
}

/// Returns what the footer names, sorted: columns, their indexes and their Bloom filters.
fn owned(metadata: &ParquetMetaData, end: u64) -> Vec<Range<u64>> {
    let mut owned = Vec::new();
    let mut endless = Vec::new();
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let (start, bytes) = column.byte_range();
        owned.push(start..start.saturating_add(bytes));
        owned.extend(column.column_index_range());
        owned.extend(column.offset_index_range());
        if let Some(start) = column.bloom_filter_offset().and_then(|start| u64::try_from(start).ok()) {
            match column.bloom_filter_length().and_then(|bytes| u64::try_from(bytes).ok()) {
                Some(bytes) => owned.push(start..start.saturating_add(bytes)),
                None => endless.push(start),
            }
        }
    }
    // Old writers do not say how long a filter is: it goes as far as what comes next.
    for start in endless {
        let next = owned.iter().map(|range| range.start).filter(|next| *next > start).min();
        owned.push(start..next.unwrap_or(end));
    }
    owned.sort_by_key(|range| range.start);
    owned
}

fn gaps(owned: Vec<Range<u64>>, data: Range<u64>) -> Vec<Range<u64>> {
    let (mut gaps, mut at) = (Vec::new(), data.start);
    for range in owned.into_iter().chain(std::iter::once(data.end..data.end)) {
        if range.start > at {
            gaps.push(at..range.start.min(data.end));
        }
        at = at.max(range.end);
    }
    gaps.retain(|gap| gap.start < gap.end);
    gaps
}

/// Returns how long a gap is without the zeros at its end.
fn without_padding(file: &mut &File, gap: Range<u64>) -> io::Result<u64> {
    file.seek(SeekFrom::Start(gap.start))?;
    let (mut read, mut last) = (0, 0);
    let mut rest = file.take(gap.end - gap.start);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = rest.read(&mut buffer)?;
        if bytes == 0 {
            return Ok(last);
        }
        if let Some(place) = buffer[..bytes].iter().rposition(|byte| *byte != 0) {
            last = read + place as u64 + 1;
        }
        read += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_owns_lies_between_and_behind() {
        assert_eq!(gaps(vec![4..10, 8..12, 20..30], 4..40), [12..20, 30..40]);
        assert_eq!(gaps(vec![4..20, 20..50], 4..40), []);
        assert_eq!(gaps(Vec::new(), 4..4), []);
    }
}
