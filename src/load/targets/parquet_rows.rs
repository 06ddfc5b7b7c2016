//! A few columns of a Parquet file.
//!
//! The `parquet` crate reads a page at a time of the columns that are asked for, and nothing of the others, each once
//! `parquet_pages` has looked at it. A damaged file can make it panic: every call into it runs behind `catch_unwind`.

use std::fmt::{self, Write};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex};

use parquet::basic::{Compression, ConvertedType, LogicalType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use crate::domain::{RowValues, TargetIdRef, TargetRow};
use crate::foreign;
use crate::load::targets::parquet_delta::DeltaPages;
use crate::load::targets::parquet_pages::{PageBytes, PageFile};
use crate::load::targets::{BadLine, BadLineReason, Limits, TargetFileError, TooLarge, parquet_layout, text};

/// What the crate says of a page whose CRC-32 is not the one in its header (`parquet.thrift`, `PageHeader.crc`).
const CHECKSUM_DIFFERS: &str = "CRC checksum mismatch";

/// Most of the reader's words that are repeated: it speaks in short sentences.
const WORDS_CHARS_MAX: usize = 160;

/// Rows that are decoded together.
const ROWS_AT_ONCE: usize = 1024;

/// The rows of a Parquet file.
pub(super) struct ParquetRows {
    file: File,
    metadata: ParquetMetaData,
    limits: Limits,
    read: PageBytes,
    /// Each column that is read, once; that of the ids first.
    columns: Vec<Column>,
    /// For each value that was asked for, its place among the columns.
    asked_for: Vec<usize>,
    row_groups_begun: usize,
    /// Rows of the row group that were not decoded yet.
    rest_of_group: usize,
    /// Rows that are decoded, and how many of them were given.
    decoded: usize,
    given: usize,
    row: u64,
    id: String,
    value: String,
    values: RowValues,
}

/// A column, and what was decoded of it.
struct Column {
    name: String,
    place: usize,
    is_unsigned: bool,
    /// The level at which a value is there.
    level: i16,
    reader: Option<ColumnReader>,
    levels: Vec<i16>,
    cells: Cells,
    /// How many of the cells were passed.
    passed: usize,
}

enum Cells {
    Text(Vec<ByteArray>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Bool(Vec<bool>),
}

impl ParquetRows {
    /// Reads the file's description and finds the columns.
    pub(super) fn open(
        file: File,
        (id, values): (&str, &[String]),
        shown_as: &str,
        limits: Limits,
    ) -> Result<Self, TargetFileError> {
        let shown = || shown_as.to_owned();
        let too_large = |why| TargetFileError::TooLarge { shown_as: shown(), why };
        let not_parquet = |why| match why {
            BadLineReason::TooLarge(why) => too_large(why),
            BadLineReason::Damaged(why) => TargetFileError::NotParquet { shown_as: shown(), why },
            why => TargetFileError::NotParquet { shown_as: shown(), why: why.to_string() },
        };
        let metadata =
            catch_panic(|| ParquetMetaDataReader::new().parse_and_finish(&file)).map_err(not_parquet)?;
        rows_within(&metadata, limits).map_err(too_large)?;
        let unknown = catch_panic(|| Ok(parquet_layout::unaccounted(&metadata, &mut &file)?));
        if let Some(bytes) = unknown.map_err(not_parquet)? {
            return Err(TargetFileError::ParquetJoined { shown_as: shown_as.to_owned(), bytes });
        }
        let mut columns = vec![Column::find(&metadata, id, shown_as)?];
        if matches!(columns[0].cells, Cells::Bool(_)) {
            return Err(unfit(shown_as, id, "BOOLEAN".to_owned()));
        }
        let mut asked_for = Vec::with_capacity(values.len());
        for value in values {
            let known = columns.iter().position(|column| column.name == *value);
            asked_for.push(known.unwrap_or(columns.len()));
            if known.is_none() {
                columns.push(Column::find(&metadata, value, shown_as)?);
            }
        }
        if let Some(codec) = columns.iter().find_map(|column| unknown_codec(&metadata, column.place)) {
            return Err(TargetFileError::ParquetCodec { shown_as: shown_as.to_owned(), codec });
        }
        bytes_within(&metadata, &columns, limits).map_err(too_large)?;
        counted_alike(&metadata, &columns).map_err(|why| not_parquet(BadLineReason::Damaged(why)))?;
        Ok(Self {
            file,
            metadata,
            limits,
            read: PageBytes::default(),
            columns,
            asked_for,
            row_groups_begun: 0,
            rest_of_group: 0,
            decoded: 0,
            given: 0,
            row: 0,
            id: String::new(),
            value: String::new(),
            values: RowValues::default(),
        })
    }

    /// Returns the number of the row that was given last, from 1.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Reads the next row. The rows are counted from 1 over the whole file.
    pub(super) fn next_row(&mut self) -> Option<Result<TargetRow<'_>, Box<BadLine>>> {
        if self.given == self.decoded {
            match catch_panic(|| self.decode()) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(why @ BadLineReason::Damaged(_)) => return Some(Err(BadLine::boxed(self.row, why))),
                Err(why) => return Some(Err(BadLine::boxed(self.row + 1, why))),
            }
        }
        self.row += 1;
        let Self { limits, columns, asked_for, given, row, id, value, values, .. } = self;
        let place = *given;
        *given += 1;
        let line = *row;
        // Every column moves on, whatever is wrong with one of them.
        let bad = |why| Some(Err(BadLine::boxed(line, why)));
        for column in columns.iter_mut().filter(|column| column.has(place)) {
            column.passed += 1;
        }
        values.clear();
        for asked_for in &*asked_for {
            let column = &columns[*asked_for];
            match column.text(place, value, limits.line_bytes) {
                Ok(Some(text)) if !text.is_empty() => values.push(text),
                Ok(_) => return bad(BadLineReason::NoValue(column.name.clone())),
                Err(why) => return bad(why),
            }
        }
        let id = match columns[0].text(place, id, limits.line_bytes) {
            Ok(Some(id)) => TargetIdRef::new(id),
            Ok(None) => return bad(BadLineReason::NoValue(columns[0].name.clone())),
            Err(why) => return bad(why),
        };
        match id {
            Ok(id) => Some(Ok(TargetRow { line, id, values })),
            Err(why) => bad(why.into()),
        }
    }

    /// Decodes the next rows. Returns false where there are none.
    fn decode(&mut self) -> Result<bool, ParquetError> {
        while self.rest_of_group == 0 {
            let Some(group) = self.metadata.row_groups().get(self.row_groups_begun) else { return Ok(false) };
            self.rest_of_group = usize::try_from(group.num_rows())
                .map_err(|_| ParquetError::General("a negative number of rows".to_owned()))?;
            for column in &mut self.columns {
                let chunk = group.column(column.place);
                let pages = PageFile {
                    file: self.file.try_clone()?,
                    compression: chunk.compression(),
                    limits: self.limits,
                    read: self.read.clone(),
                    header: Mutex::default(),
                };
                let pages = SerializedPageReader::new(Arc::new(pages), chunk, self.rest_of_group, None)?;
                let pages = DeltaPages { pages, has_levels: column.level > 0 };
                column.reader = Some(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)));
            }
            self.row_groups_begun += 1;
        }
        let rows = self.rest_of_group.min(ROWS_AT_ONCE);
        for column in &mut self.columns {
            column.decode(rows)?;
        }
        self.rest_of_group -= rows;
        if self.rest_of_group == 0 {
            for column in &mut self.columns {
                column.prove_end()?;
            }
        }
        (self.decoded, self.given) = (rows, 0);
        Ok(true)
    }
}

impl fmt::Debug for ParquetRows {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ParquetRows").field("column", &self.columns[0].name).finish_non_exhaustive()
    }
}

impl Column {
    fn find(metadata: &ParquetMetaData, name: &str, shown_as: &str) -> Result<Self, TargetFileError> {
        let schema = metadata.file_metadata().schema_descr();
        let names = || schema.root_schema().get_fields().iter().map(|field| field.name());
        let mut fields = names().filter(|found| *found == name);
        let shown_as = || shown_as.to_owned();
        match (fields.next(), fields.next()) {
            (Some(_), None) => {}
            (Some(_), Some(_)) => {
                return Err(TargetFileError::ColumnTwice { shown_as: shown_as(), column: name.to_owned() });
            }
            (None, _) => {
                return Err(TargetFileError::NoColumn {
                    shown_as: shown_as(),
                    column: name.to_owned(),
                    columns: names().map(str::to_owned).collect(),
                });
            }
        }
        let leaf = schema.columns().iter().enumerate().find(|(_, leaf)| *leaf.path().parts() == [name]);
        let (place, leaf) = leaf.ok_or_else(|| unfit(&shown_as(), name, "nested columns".to_owned()))?;
        if leaf.max_rep_level() > 0 {
            return Err(unfit(&shown_as(), name, "lists".to_owned()));
        }
        let (cells, is_unsigned) = cells(leaf).map_err(|kind| unfit(&shown_as(), name, kind))?;
        let level = leaf.max_def_level();
        let (name, levels) = (name.to_owned(), Vec::new());
        Ok(Self { name, place, is_unsigned, level, reader: None, levels, cells, passed: 0 })
    }

    /// Decodes exactly so many rows of the row group.
    fn decode(&mut self, rows: usize) -> Result<(), ParquetError> {
        self.passed = 0;
        self.levels.clear();
        let levels = &mut self.levels;
        let cells = match (&mut self.cells, &mut self.reader) {
            (Cells::Text(cells), Some(ColumnReader::ByteArrayColumnReader(reader))) => {
                read(reader, rows, levels, cells)?
            }
            (Cells::Int32(cells), Some(ColumnReader::Int32ColumnReader(reader))) => {
                read(reader, rows, levels, cells)?
            }
            (Cells::Int64(cells), Some(ColumnReader::Int64ColumnReader(reader))) => {
                read(reader, rows, levels, cells)?
            }
            (Cells::Bool(cells), Some(ColumnReader::BoolColumnReader(reader))) => {
                read(reader, rows, levels, cells)?
            }
            _ => return Err(ParquetError::General(format!("`{}` changes its type", self.name))),
        };
        let there =
            if self.level == 0 { rows } else { levels.iter().filter(|at| **at == self.level).count() };
        if cells != there || (self.level > 0 && levels.len() != rows) {
            return Err(ParquetError::General(format!("`{}` ends before the other columns", self.name)));
        }
        Ok(())
    }

    /// Proves that its pages have no more rows than the footer counts: whoever stands there would be lost.
    fn prove_end(&mut self) -> Result<(), ParquetError> {
        let more = match &mut self.reader {
            Some(ColumnReader::ByteArrayColumnReader(reader)) => more(reader)?,
            Some(ColumnReader::Int32ColumnReader(reader)) => more(reader)?,
            Some(ColumnReader::Int64ColumnReader(reader)) => more(reader)?,
            Some(ColumnReader::BoolColumnReader(reader)) => more(reader)?,
            _ => false,
        };
        if more {
            return Err(ParquetError::General(format!(
                "`{}` has more rows than the footer counts",
                self.name
            )));
        }
        Ok(())
    }

    /// Whether there is a cell in a row that was decoded.
    #[inline]
    fn has(&self, place: usize) -> bool {
        self.level == 0 || self.levels[place] == self.level
    }

    /// Returns what is in a row whose cell was passed last, or nothing for `null`.
    #[inline]
    fn text<'row>(
        &'row self,
        place: usize,
        buffer: &'row mut String,
        bytes_max: usize,
    ) -> Result<Option<&'row str>, BadLineReason> {
        if !self.has(place) {
            return Ok(None);
        }
        let cell = self.passed - 1;
        buffer.clear();
        let written = match &self.cells {
            Cells::Text(cells) if cells[cell].len() > bytes_max => {
                return Err(BadLineReason::TooLarge(TooLarge::Value(bytes_max)));
            }
            Cells::Text(cells) => return text(cells[cell].data()).map(Some),
            Cells::Int32(cells) if self.is_unsigned => write!(buffer, "{}", cells[cell].cast_unsigned()),
            Cells::Int32(cells) => write!(buffer, "{}", cells[cell]),
            Cells::Int64(cells) if self.is_unsigned => write!(buffer, "{}", cells[cell].cast_unsigned()),
            Cells::Int64(cells) => write!(buffer, "{}", cells[cell]),
            Cells::Bool(cells) => write!(buffer, "{}", cells[cell]),
        };
        written.expect("a `String` takes everything");
        Ok(Some(buffer))
    }
}

fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
    cells: &mut Vec<T::T>,
) -> Result<usize, ParquetError> {
    cells.clear();
    let (read, ..) = reader.read_records(rows, Some(levels), None, cells)?;
    if read != rows {
        return Err(ParquetError::General(format!("a row group ends after {read} of {rows} rows")));
    }
    Ok(cells.len())
}

/// Whether there is another row.
fn more<T: DataType>(reader: &mut ColumnReaderImpl<T>) -> Result<bool, ParquetError> {
    let (read, ..) = reader.read_records(1, Some(&mut Vec::new()), None, &mut Vec::new())?;
    Ok(read > 0)
}

/// Returns what a column's cells are and whether they are unsigned, or the name of a type that has no one text.
fn cells(leaf: &ColumnDescriptor) -> Result<(Cells, bool), String> {
    use ConvertedType as C;
    let logical = leaf.logical_type_ref();
    let unfit = || match (leaf.converted_type(), logical) {
        (C::NONE, None) => leaf.physical_type().to_string(),
        (C::NONE, Some(logical)) => {
            let described = format!("{logical:?}");
            described.split(['(', ' ']).next().unwrap_or_default().to_uppercase()
        }
        (converted, _) => converted.to_string(),
    };
    match (leaf.physical_type(), logical, leaf.converted_type()) {
        (
            Type::BYTE_ARRAY,
            None | Some(LogicalType::String | LogicalType::Enum | LogicalType::Json),
            C::NONE | C::UTF8 | C::ENUM | C::JSON,
        ) => Ok((Cells::Text(Vec::new()), false)),
        (
            physical @ (Type::INT32 | Type::INT64),
            None | Some(LogicalType::Integer(_)),
            converted @ (C::NONE
            | C::INT_8
            | C::INT_16
            | C::INT_32
            | C::INT_64
            | C::UINT_8
            | C::UINT_16
            | C::UINT_32
            | C::UINT_64),
        ) => {
            let is_unsigned = match logical {
                Some(LogicalType::Integer(kind)) => !kind.is_signed,
                _ => matches!(converted, C::UINT_8 | C::UINT_16 | C::UINT_32 | C::UINT_64),
            };
            let cells =
                if physical == Type::INT32 { Cells::Int32(Vec::new()) } else { Cells::Int64(Vec::new()) };
            Ok((cells, is_unsigned))
        }
        (Type::BOOLEAN, None, C::NONE) => Ok((Cells::Bool(Vec::new()), false)),
        _ => Err(unfit()),
    }
}

/// Checks how many rows the footer counts.
fn rows_within(metadata: &ParquetMetaData, limits: Limits) -> Result<(), TooLarge> {
    let rows = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default());
    if rows.fold(0, u64::saturating_add) > limits.rows {
        return Err(TooLarge::Rows(limits.rows));
    }
    Ok(())
}

/// Checks that the footer counts the rows alike for the file, its row groups and their columns: who is in none of the counts
/// is not read. None of the columns is a list, so that each row has one value, `null` included.
fn counted_alike(metadata: &ParquetMetaData, columns: &[Column]) -> Result<(), String> {
    let groups = metadata.row_groups();
    let rows = groups.iter().map(RowGroupMetaData::num_rows).fold(0, i64::saturating_add);
    if metadata.file_metadata().num_rows() != rows {
        return Err("its footer counts other rows for the file than for its row groups".to_owned());
    }
    let is_alike = |group: &RowGroupMetaData| {
        columns.iter().all(|column| group.column(column.place).num_values() == group.num_rows())
    };
    if !groups.iter().all(is_alike) {
        return Err("its footer counts other rows for a row group than for its columns".to_owned());
    }
    Ok(())
}

/// Checks how long the footer says that the columns are, packed and unpacked.
fn bytes_within(metadata: &ParquetMetaData, columns: &[Column], limits: Limits) -> Result<(), TooLarge> {
    let sum = |bytes: fn(&ColumnChunkMetaData) -> i64| {
        let chunks = metadata
            .row_groups()
            .iter()
            .flat_map(|group| columns.iter().map(|column| group.column(column.place)));
        chunks.map(|chunk| u64::try_from(bytes(chunk)).unwrap_or_default()).fold(0, u64::saturating_add)
    };
    limits.check(sum(ColumnChunkMetaData::uncompressed_size), sum(ColumnChunkMetaData::compressed_size))
}

/// Returns the name of a compression that this build cannot undo, where a row group has the column in it.
fn unknown_codec(metadata: &ParquetMetaData, column: usize) -> Option<&'static str> {
    metadata.row_groups().iter().find_map(|group| match group.column(column).compression() {
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZO => Some("LZO"),
        _ => None,
    })
}

fn unfit(shown_as: &str, column: &str, kind: String) -> TargetFileError {
    TargetFileError::UnfitColumn { shown_as: shown_as.to_owned(), column: column.to_owned(), kind }
}

/// Returns the reader's words without what they quote of the file.
fn without_quotes(text: &str) -> String {
    let end = text.find(['"', '\'', '`', ':', '\n']).unwrap_or(text.len());
    let words = text[..end].chars().take(WORDS_CHARS_MAX).filter(|c| c.is_ascii() && !c.is_ascii_control());
    words.collect::<String>().trim_end().to_owned()
}

/// Runs a call into `parquet`; a panic in it becomes an error, and prints nothing.
fn catch_panic<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, BadLineReason> {
    match foreign::catch_panic(call) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::External(error))) if error.is::<io::Error>() || error.is::<TooLarge>() => {
            let too_large = error.downcast_ref().copied().map(BadLineReason::TooLarge);
            Err(too_large.unwrap_or_else(|| BadLineReason::Damaged(error.to_string())))
        }
        Ok(Err(error)) => {
            let text = error.to_string();
            if text.contains(CHECKSUM_DIFFERS) {
                return Err(BadLineReason::Checksum);
            }
            let words = without_quotes(text.strip_prefix("Parquet error: ").unwrap_or(&text));
            Err(BadLineReason::Damaged(words))
        }
        // The words of a panic may quote what is in the file.
        Err(_) => Err(BadLineReason::Damaged("its reader found what no such file has".to_owned())),
    }
}
