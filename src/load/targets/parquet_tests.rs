//! Parquet files, made by the crate's own writer and by others.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::tests::{file, rows};
use super::*;
use crate::diagnostic::number;

/// The columns of one row group; `None` is `null`.
enum Cells<'cells> {
    Text(&'cells [Option<&'cells str>]),
    Int32(&'cells [i32]),
    Int64(&'cells [Option<i64>]),
    Double(&'cells [f64]),
    Bool(&'cells [bool]),
}

/// Writes the cells that are there, with their levels.
macro_rules! write {
    ($column:expr, $kind:ty, $cells:expr) => {{
        let cells = $cells;
        let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
        let there: Vec<_> = cells.into_iter().flatten().collect();
        $column.typed::<$kind>().write_batch(&there, Some(&levels), None).unwrap();
    }};
}

/// Writes row groups of columns. Every column of `schema` has to be optional, or have a cell in every row.
fn write(path: &Path, schema: &str, compression: Compression, groups: &[&[Cells<'_>]]) {
    let version = if groups.len() > 1 { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    let properties = WriterProperties::builder().set_compression(compression).set_writer_version(version);
    write_as(path, schema, properties, groups);
}

fn write_as(path: &Path, schema: &str, properties: WriterPropertiesBuilder, groups: &[&[Cells<'_>]]) {
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {schema} }}")).unwrap());
    let properties = properties.set_data_page_row_count_limit(700).set_write_batch_size(100);
    let mut writer =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties.build())).unwrap();
    for group in groups {
        let mut row_group = writer.next_row_group().unwrap();
        for cells in *group {
            let mut column = row_group.next_column().unwrap().unwrap();
            match cells {
                Cells::Text(cells) => write!(
                    column,
                    ByteArrayType,
                    cells.iter().map(|cell| cell.map(ByteArray::from)).collect::<Vec<_>>()
                ),
                Cells::Int32(cells) => {
                    write!(column, Int32Type, cells.iter().copied().map(Some).collect::<Vec<_>>());
                }
                Cells::Int64(cells) => write!(column, Int64Type, cells.to_vec()),
                Cells::Double(cells) => {
                    write!(column, DoubleType, cells.iter().copied().map(Some).collect::<Vec<_>>());
                }
                Cells::Bool(cells) => {
                    write!(column, BoolType, cells.iter().copied().map(Some).collect::<Vec<_>>());
                }
            }
            column.close().unwrap();
        }
        row_group.close().unwrap();
    }
    writer.close().unwrap();
}

struct Site(TempDir);

impl Site {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("ids.parquet")
    }

    /// States the rows and mistakes of the file.
    fn rows(&self, values: &[&str]) -> Vec<String> {
        rows(&file(&self.path(), TargetFileFormat::Parquet, Some("id"), values))
    }
}

#[test]
fn texts_and_numbers_of_several_row_groups_come_in_their_order() {
    let site = Site::new();
    let schema = "optional binary name (UTF8); required binary id (UTF8); optional int64 money;";
    let one: &[Cells<'_>] = &[
        Cells::Text(&[Some("Zhang, \"San\""), Some("你")]),
        Cells::Text(&[Some("u1"), Some("u2")]),
        Cells::Int64(&[Some(200), Some(-1)]),
    ];
    let other: &[Cells<'_>] =
        &[Cells::Text(&[Some("c")]), Cells::Text(&[Some("u1")]), Cells::Int64(&[Some(i64::MAX)])];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        write(&site.path(), schema, compression, &[one, &[], other][..1]);
        assert_eq!(site.rows(&[]), ["1: u1", "2: u2"], "{compression}");
        write(&site.path(), schema, compression, &[one, other]);
        assert_eq!(
            site.rows(&["money", "name", "money", "id"]),
            [
                "1: u1 = 200 | Zhang, \"San\" | 200 | u1",
                "2: u2 = -1 | 你 | -1 | u2",
                "3: u1 = 9223372036854775807 | c | 9223372036854775807 | u1",
            ],
            "{compression}"
        );
    }
}

#[test]
fn whole_numbers_are_their_digits_and_truth_values_their_words() {
    let site = Site::new();
    let schema = "required int32 id (UINT_32); required boolean is_vip; required int32 n (INT_8);";
    let cells: &[Cells<'_>] = &[Cells::Int32(&[-1, 7]), Cells::Bool(&[true, false]), Cells::Int32(&[-5, 0])];
    write(&site.path(), schema, Compression::UNCOMPRESSED, &[cells]);
    assert_eq!(site.rows(&["is_vip", "n"]), ["1: 4294967295 = true | -5", "2: 7 = false | 0"]);
    write(
        &site.path(),
        "optional int64 id (INTEGER(64,false));",
        Compression::UNCOMPRESSED,
        &[&[Cells::Int64(&[Some(-1)])]],
    );
    assert_eq!(site.rows(&[]), ["1: 18446744073709551615"]);
}

#[test]
fn nulls_and_other_mistakes_are_told_by_their_row_and_the_next_one_read() {
    let site = Site::new();
    let schema = "optional binary id (UTF8); optional binary name;";
    let ids = [Some("u1"), None, Some(""), Some(" x"), Some("u5"), Some("u6"), Some("u7")];
    let names = [Some("a"), Some("b"), Some("c"), Some("d"), None, Some(""), Some("g")];
    let cells: &[Cells<'_>] = &[Cells::Text(&ids), Cells::Text(&names)];
    write(&site.path(), schema, Compression::SNAPPY, &[cells, cells]);
    let expected = |from: u64| {
        [
            format!("{}: u1 = a", from + 1),
            format!("line {}: `id` is empty", from + 2),
            format!("line {}: a target id cannot be empty", from + 3),
            format!("line {}: the target id begins with white space: U+0020", from + 4),
            format!("line {}: `name` is empty", from + 5),
            format!("line {}: `name` is empty", from + 6),
            format!("{}: u7 = g", from + 7),
        ]
    };
    assert_eq!(site.rows(&["name"]), [expected(0), expected(7)].concat());
}

#[test]
fn columns_that_are_no_ids_are_refused_in_words() {
    let site = Site::new();
    let schema = "required double id; required binary x (DECIMAL(9,2)); required boolean b; optional group g { required binary id; }";
    let cells: &[Cells<'_>] =
        &[Cells::Double(&[1.0]), Cells::Text(&[Some("1")]), Cells::Bool(&[true]), Cells::Text(&[Some("1")])];
    write(&site.path(), schema, Compression::UNCOMPRESSED, &[cells]);
    let told = |column: &str, values: &[&str]| {
        rows(&file(&site.path(), TargetFileFormat::Parquet, Some(column), values)).join("\n")
    };
    insta::assert_snapshot!(
        [told("id", &[]), told("x", &[]), told("b", &[]), told("g", &[]), told("idd", &[])].join("\n"),
        @r"
    audience-file: the column `id` of `ids` holds DOUBLE, which is neither text nor whole numbers; cast it to text where the file is made
    audience-file: the column `x` of `ids` holds DECIMAL, which is neither text nor whole numbers; cast it to text where the file is made
    audience-file: the column `b` of `ids` holds BOOLEAN, which is neither text nor whole numbers; cast it to text where the file is made
    audience-file: the column `g` of `ids` holds nested columns, which is neither text nor whole numbers; cast it to text where the file is made
    audience-file: `ids` has no column `idd`; did you mean its column 1? Its name differs in a few letters
    "
    );
    assert_eq!(told("b", &["b", "id"]), told("b", &[]));
}

#[test]
fn what_is_no_parquet_file_is_told_apart() {
    let site = Site::new();
    for bytes in [&b""[..], b"u1\nu2\n", b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1"] {
        fs::write(site.path(), bytes).unwrap();
        let told = site.rows(&[]).join("\n");
        assert!(told.starts_with("audience-file: `ids` is no whole Parquet file: "), "{told}");
    }
}

#[test]
fn the_digest_is_that_of_the_file_and_a_file_that_changes_meanwhile_is_none() {
    let site = Site::new();
    let cells: &[Cells<'_>] = &[Cells::Text(&[Some("u1")])];
    write(&site.path(), "required binary id;", Compression::SNAPPY, &[cells]);
    let ids = file(&site.path(), TargetFileFormat::Parquet, Some("id"), &[]);
    let mut rows = ids.open().unwrap();
    assert!(rows.next_row().unwrap().is_ok());
    assert!(rows.next_row().is_none());
    let whole: [u8; 32] = Sha256::digest(fs::read(site.path()).unwrap()).into();
    assert_eq!(rows.digest(), whole);

    let mut rows = ids.open().unwrap();
    assert!(rows.next_row().unwrap().is_ok());
    let mut longer = fs::read(site.path()).unwrap();
    longer.push(0);
    fs::write(site.path(), longer).unwrap();
    let told = rows.next_row().unwrap().unwrap_err();
    assert_eq!(told.why.to_string(), "the file cannot be read further: it changed while it was read");
    assert!(rows.next_row().is_none());
}

/// Files that other writers made: `tests/fixtures/parquet/make.py` says how.
#[test]
fn files_of_other_writers_are_read() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet");
    for name in ["duckdb.parquet", "pyarrow.parquet"] {
        let ids = file(&fixtures.join(name), TargetFileFormat::Parquet, Some("user_id"), &["name", "points"]);
        let stated = rows(&ids);
        assert_eq!(stated.len(), 3000, "{name}");
        assert_eq!(stated[..2], ["1: user-0001 = 张三 | 1", "2: user-0002 = Li \"Si\" | 2"], "{name}");
        assert_eq!(stated[6], "line 7: `name` is empty", "{name}");
        assert_eq!(stated[2999], "3000: user-3000 = Wang Wu | 3000", "{name}");
    }
}

#[test]
fn a_file_beyond_a_limit_is_left_whatever_packs_its_pages() {
    let site = Site::new();
    let ids: Vec<String> = (0..2000).map(|row| format!("{row:040}")).collect();
    let cells: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    let group: &[Cells<'_>] = &[Cells::Text(&cells)];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        write(&site.path(), "optional binary id (UTF8);", compression, &[group, group]);
        let told = |limits| {
            rows(&TargetFile { limits, ..file(&site.path(), TargetFileFormat::Parquet, Some("id"), &[]) })
        };
        assert_eq!(told(Limits { rows: 4000, line_bytes: 40, ..Limits::default() }).len(), 4000);
        let too_large = "audience-too-large: `ids` is too large: the file";
        let said = told(Limits { rows: 3999, ..Limits::default() }).join("\n");
        assert!(
            said.starts_with(&format!("{too_large} has more than 3 999 rows; ")),
            "{compression}: {said}"
        );
        let length = fs::metadata(site.path()).unwrap().len();
        for unpacked_bytes in [10_000, length - 1] {
            let said = told(Limits { unpacked_bytes, ..Limits::default() }).join("\n");
            let bytes = number(unpacked_bytes);
            let expected = format!("{too_large} unpacks to more than {bytes} bytes; ");
            assert!(said.starts_with(&expected), "{compression}: {said}");
        }
        let said = told(Limits { line_bytes: 39, ..Limits::default() });
        assert_eq!(said, ["line 1: a value has more than 39 bytes"], "{compression}");
    }
}

/// A dictionary that says that it has more values than its bytes can hold: the crate would make room for them all.
#[test]
fn a_dictionary_that_claims_more_than_it_has_ends_the_reading() {
    let site = Site::new();
    let ids: Vec<String> = (0..100).map(|row| format!("u{row}")).collect();
    let cells: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    let group: &[Cells<'_>] = &[Cells::Text(&cells)];
    write(&site.path(), "optional binary id (UTF8);", Compression::UNCOMPRESSED, &[group]);
    let mut bytes = fs::read(site.path()).unwrap();
    // The first page's header: of a dictionary of 100 values, which is 200 in zigzag.
    let place = bytes.windows(4).position(|window| window == [0x4c, 0x15, 0xc8, 0x01]).unwrap();
    bytes[place + 3] = 0x7f;
    fs::write(site.path(), bytes).unwrap();
    assert_eq!(
        site.rows(&[]),
        ["line 0: the file cannot be read further: a dictionary is shorter than it says"]
    );
}

/// Lengths of which a page says that it has more than values: the crate would make room for them all.
#[test]
fn lengths_that_a_page_claims_and_has_not_end_the_reading() {
    let site = Site::new();
    let ids: Vec<String> = (0..2000).map(|row| format!("user-{}", row * row)).collect();
    let all: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    let some: Vec<Option<&str>> =
        all.iter().enumerate().map(|(row, id)| id.filter(|_| row % 3 > 0)).collect();
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = || {
                let properties =
                    WriterProperties::builder().set_dictionary_enabled(false).set_encoding(encoding);
                properties.set_writer_version(version)
            };
            let write =
                |schema: &str, cells| write_as(&site.path(), schema, properties(), &[&[Cells::Text(cells)]]);
            write("optional binary id (UTF8);", &some);
            let rows = site.rows(&[]);
            let read = |row: &String| ids.iter().any(|id| row.ends_with(&format!(" {id}")));
            assert_eq!(
                rows.iter().filter(|row| read(row)).count(),
                some.iter().flatten().count(),
                "{rows:?}"
            );
            write("required binary id (UTF8);", &all);
            assert_eq!(site.rows(&[]).len(), 2000);
            let mut bytes = fs::read(site.path()).unwrap();
            // Blocks of 128 in 4, and 700 values.
            let place = bytes.windows(5).position(|window| window == [0x80, 0x01, 4, 0xbc, 0x05]).unwrap();
            bytes[place + 4] = 0x7f;
            fs::write(site.path(), bytes).unwrap();
            assert_eq!(
                site.rows(&[]),
                ["line 0: the file cannot be read further: a page says that it has more lengths than values"],
                "{encoding} {version:?}"
            );
        }
    }
}

/// A file with a checksum of its one page, of two ids: `tests/fixtures/parquet/make.py` says how it was made.
fn with_checksums() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet/checksums.parquet")).unwrap()
}

/// States the rows of a file of these bytes, whose ids are in `user_id`.
fn users(bytes: &[u8]) -> Vec<String> {
    let site = Site::new();
    fs::write(site.path(), bytes).unwrap();
    rows(&file(&site.path(), TargetFileFormat::Parquet, Some("user_id"), &[]))
}

#[test]
fn a_flipped_byte_of_a_page_with_a_checksum_is_no_other_person() {
    let sound = with_checksums();
    assert_eq!(users(&sound), ["1: cust-1001", "2: cust-1002"]);
    let first = sound.windows(9).position(|window| window == b"cust-1001").unwrap();
    for place in first..first + "cust-1001....cust-1002".len() {
        let mut damaged = sound.clone();
        damaged[place] ^= 1;
        assert_eq!(
            users(&damaged),
            [
                "line 1: the checksum of a page that follows does not fit: the file was damaged after it was written"
            ],
            "{place}"
        );
    }
}

#[test]
fn joined_files_are_refused_whichever_is_longer() {
    let site = Site::new();
    let (long, short) = (sound_file(), {
        let cells: &[Cells<'_>] = &[Cells::Text(&[Some("u1"), Some("u2")])];
        write(&site.path(), "optional binary id (UTF8);", Compression::SNAPPY, &[cells]);
        fs::read(site.path()).unwrap()
    });
    for (first, second) in [(&long, &long), (&short, &short), (&long, &short), (&short, &long)] {
        fs::write(site.path(), [first.as_slice(), second].concat()).unwrap();
        let told = site.rows(&[]).join("\n");
        assert!(told.starts_with("audience-file: `ids` "), "{told}");
        assert!(told.ends_with("were files joined? write them into one with a Parquet writer"), "{told}");
        // Something between them hides the seam, not the bytes.
        fs::write(site.path(), [first.as_slice(), b"\n", second].concat()).unwrap();
        let told = site.rows(&[]).join("\n");
        let is_told = told.starts_with("audience-file: `ids` ") || told.contains("cannot be read further");
        assert!(is_told, "{told}");
    }
}

#[test]
fn a_compression_that_nothing_here_undoes_is_named() {
    let (plain, brotli) = (b"user_id\x15\x00\x16\x04", b"user_id\x15\x08\x16\x04");
    let mut bytes = with_checksums();
    let codec = bytes.windows(plain.len()).position(|window| window == plain).unwrap();
    bytes[codec..codec + brotli.len()].copy_from_slice(brotli);
    assert_eq!(
        users(&bytes),
        [
            "audience-file: `ids` is packed with Brotli, which `campaignctl` does not read; save it again with zstd or snappy"
        ]
    );
}

/// A file of 3 000 rows whose ids say their row, with several pages.
fn sound_file() -> Vec<u8> {
    let site = Site::new();
    let ids: Vec<String> = (1..=3000).map(|row| format!("u{row}")).collect();
    let cells: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    let group: &[Cells<'_>] = &[Cells::Text(&cells)];
    write(&site.path(), "optional binary id (UTF8);", Compression::SNAPPY, &[group]);
    fs::read(site.path()).unwrap()
}

#[test]
fn a_file_that_was_cut_short_anywhere_gives_no_row_or_an_error() {
    let site = Site::new();
    let sound = sound_file();
    for length in (0..sound.len()).step_by(sound.len() / 97) {
        fs::write(site.path(), &sound[..length]).unwrap();
        let told = site.rows(&[]).join("\n");
        assert!(told.starts_with("audience-file: `ids` is no whole Parquet file: "), "{length}: {told}");
    }
}

proptest! {
    /// A changed byte may change an id, which no reader can tell. But it is never a panic, and the rows are never
    /// silently fewer.
    #[test]
    fn a_damaged_file_is_an_error_and_never_a_panic(place in any::<prop::sample::Index>(), change in 1_u8..) {
        let site = Site::new();
        let mut bytes = sound_file();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        fs::write(site.path(), bytes).unwrap();
        let stated = site.rows(&[]);
        let is_told = stated.last().is_some_and(|last| last.contains("cannot be read further"))
            || stated.first().is_some_and(|first| first.starts_with("audience-file"));
        prop_assert!(is_told || stated.len() == 3000, "{} rows, the last {:?}", stated.len(), stated.last());
    }
}
