//! The pages of a column of a Parquet file, each looked at before the `parquet` crate makes room for it.
//!
//! The crate makes as much room as a page's header asks for, and unpacks gzip for as long as it goes on, whatever the
//! header says. So the header is read here first, as Thrift's compact protocol has it (`parquet.thrift`, `PageHeader`).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::load::targets::parquet_header::PageHeader;
use crate::load::targets::{Limits, TooLarge};

/// Most bytes of a page: writers make pages of a MiB, and none of more than 100 MB.
const PAGE_BYTES_MAX: u64 = 128 << 20;

/// Most values of a dictionary, which takes some 40 bytes of memory for each: writers end theirs at a MiB or so.
const DICTIONARY_VALUES_MAX: u64 = 1 << 22;

/// The fewest bytes of a value in a dictionary: a number, or the length of a text.
const VALUE_BYTES_MIN: u64 = 4;

/// How much gzip and LZ4 unpack to at most, for each byte.
const GZIP_RATIO_MAX: u64 = 1032;
const LZ4_RATIO_MAX: u64 = 255;

/// What a frame of LZ4 begins with: the crate unpacks one for as long as it goes on.
const LZ4_FRAME: &[u8] = &[0x04, 0x22, 0x4d, 0x18];

/// How much was read of all columns.
#[derive(Clone, Debug, Default)]
pub(super) struct PageBytes(Arc<Mutex<Tally>>);

#[derive(Debug, Default)]
struct Tally {
    packed: u64,
    unpacked: u64,
}

/// The file of a column that is read within limits.
pub(super) struct PageFile {
    pub(super) file: File,
    pub(super) compression: Compression,
    pub(super) limits: Limits,
    pub(super) read: PageBytes,
    /// The header of the page that is read.
    pub(super) header: Mutex<PageHeader>,
}

impl PageFile {
    /// Holds a page's header to the bounds.
    fn look(&self, header: PageHeader) -> Result<(), ParquetError> {
        if header.unpacked.max(header.packed) > PAGE_BYTES_MAX {
            return Err(too_large(TooLarge::Page(PAGE_BYTES_MAX)));
        }
        if header.dictionary_values > DICTIONARY_VALUES_MAX {
            return Err(too_large(TooLarge::Dictionary(DICTIONARY_VALUES_MAX)));
        }
        if header.dictionary_values > header.unpacked / VALUE_BYTES_MIN {
            return Err(damaged("a dictionary is shorter than it says"));
        }
        let mut read = self.read.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.packed = read.packed.saturating_add(header.packed);
        read.unpacked = read.unpacked.saturating_add(header.unpacked);
        self.limits.check(read.unpacked, read.packed).map_err(too_large)?;
        *self.header.lock().unwrap_or_else(PoisonError::into_inner) = header;
        Ok(())
    }

    /// Holds what a page unpacks to against its header, where the crate would not, and where it may be much.
    fn unpack(&self, page: &[u8]) -> Result<(), ParquetError> {
        let header = *self.header.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = page.len() as u64;
        match self.compression {
            Compression::GZIP(_) if bytes * GZIP_RATIO_MAX > PAGE_BYTES_MAX => {
                let levels = usize::try_from(header.level_bytes).unwrap_or(usize::MAX);
                let said = header.unpacked.saturating_sub(header.level_bytes);
                let packed = page.get(levels..).unwrap_or_default();
                let mut unpacked = MultiGzDecoder::new(packed).take(said + 1);
                // Of a page that is damaged, the crate has more to say.
                match io::copy(&mut unpacked, &mut io::sink()) {
                    Ok(bytes) if bytes > said => Err(damaged("a page unpacks to more than it says")),
                    _ => Ok(()),
                }
            }
            Compression::LZ4 if page.starts_with(LZ4_FRAME) && bytes * LZ4_RATIO_MAX > PAGE_BYTES_MAX => {
                Err(too_large(TooLarge::Page(PAGE_BYTES_MAX)))
            }
            _ => Ok(()),
        }
    }
}

impl Length for PageFile {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for PageFile {
    type T = BufReader<File>;

    /// Is asked for each page's header.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.look(PageHeader::read(&mut self.file.get_read(start)?)?)?;
        self.file.get_read(start)
    }

    /// Is asked for what is behind a header.
    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let page = self.file.get_bytes(start, length)?;
        self.unpack(&page)?;
        Ok(page)
    }
}

fn too_large(why: TooLarge) -> ParquetError {
    ParquetError::External(Box::new(why))
}

fn damaged(why: &str) -> ParquetError {
    ParquetError::General(why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    /// Reads the header of a page in a file of these bytes, and the page behind it.
    fn read(bytes: &[u8], header_bytes: u64, compression: Compression) -> Result<(), String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let limits = Limits { unpacked_bytes: 100 << 20, ..Limits::default() };
        let (read, header) = (PageBytes::default(), Mutex::default());
        let file = PageFile { file, compression, limits, read, header };
        let page = file.get_read(0).map(|_| ());
        let page = page.and_then(|()| {
            file.get_bytes(header_bytes, bytes.len() - usize::try_from(header_bytes).unwrap())
        });
        page.map(|_| ()).map_err(|error| error.to_string())
    }

    fn varint(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        bytes.push(value.to_le_bytes()[0]);
        bytes
    }

    /// The header of a page of a type and of sizes, zigzagged; with a dictionary of so many values.
    fn header(unpacked: u64, packed: u64, dictionary: Option<u64>) -> Vec<u8> {
        let kind = if dictionary.is_some() { 4 } else { 0 };
        let mut bytes = vec![0x15, kind, 0x15];
        bytes.extend(varint(2 * unpacked));
        bytes.push(0x15);
        bytes.extend(varint(2 * packed));
        if let Some(values) = dictionary {
            // Field 7, a struct: its values, its encoding, its end.
            bytes.extend([0x4c, 0x15]);
            bytes.extend(varint(2 * values));
            bytes.extend([0x15, 0, 0]);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn what_a_page_says_of_its_size_is_checked_before_it_is_read() {
        let told = |unpacked, packed, dictionary| {
            let bytes = header(unpacked, packed, dictionary);
            read(&bytes, bytes.len() as u64, Compression::SNAPPY)
        };
        assert_eq!(told(90 << 20, 10, None), Ok(()));
        assert_eq!(told(64 << 20, 10, Some(1 << 22)), Ok(()));
        for (unpacked, packed, dictionary, why) in [
            (i32::MAX as u64, 10, None, "a page has more than 134 217 728 bytes"),
            (10, i32::MAX as u64, None, "a page has more than 134 217 728 bytes"),
            (u64::from(u32::MAX) + 10, 10, None, "a page has more than 134 217 728 bytes"),
            (64 << 20, 10, Some((1 << 22) + 1), "a dictionary has more than 4 194 304 values"),
            (400, 10, Some(101), "a dictionary is shorter than it says"),
            ((100 << 20) + 1, 10, None, "the file unpacks to more than 104 857 600 bytes"),
        ] {
            let said = told(unpacked, packed, dictionary).unwrap_err();
            assert!(said.contains(why), "{unpacked} {packed} {dictionary:?}: {said}");
        }
    }

    #[test]
    fn a_page_that_unpacks_to_more_than_it_says_is_left() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let mut random = fastrand::Rng::with_seed(1);
        let page: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(300 << 10).collect();
        gzip.write_all(&page).unwrap();
        let packed = gzip.finish().unwrap();
        let told = |said: u64| {
            let header = header(said, packed.len() as u64, None);
            let bytes = [&header, &packed[..]].concat();
            read(&bytes, header.len() as u64, Compression::GZIP(parquet::basic::GzipLevel::default()))
        };
        assert!(told(1000).unwrap_err().contains("a page unpacks to more than it says"));
        assert!(told((300 << 10) - 1).unwrap_err().contains("a page unpacks to more than it says"));
        assert_eq!(told(300 << 10), Ok(()));

        let frame = [LZ4_FRAME, &vec![0; 1 << 20]].concat();
        let told = |page: &[u8]| {
            let header = header(1000, page.len() as u64, None);
            read(&[&header, page].concat(), header.len() as u64, Compression::LZ4)
        };
        assert!(told(&frame).unwrap_err().contains("a page has more than"));
        assert_eq!(told(&frame[..1000]), Ok(()));
    }
}
