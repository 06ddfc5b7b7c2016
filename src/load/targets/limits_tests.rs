//! Each bound, in each format and packing, in rows and bytes.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::tests::{file, rows};
use super::*;
use crate::diagnostic::Code;

/// A file in a directory of its own, read within limits.
fn limited(name: &str, bytes: &[u8], limits: Limits) -> (tempfile::TempDir, TargetFile) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    let (format, column) = match content_ending(&path).as_deref() {
        Some("csv") => (TargetFileFormat::Csv, Some("id")),
        Some("jsonl") => (TargetFileFormat::Jsonl, Some("id")),
        _ => (TargetFileFormat::Text, None),
    };
    let limited = TargetFile { limits, ..file(&path, format, column, &[]) };
    (directory, limited)
}

/// Says what comes of a file within limits.
fn told(name: &str, bytes: &[u8], limits: Limits) -> Vec<String> {
    rows(&limited(name, bytes, limits).1)
}

/// Returns how many bytes of a file of text were read.
fn packed_bytes(rows: &TargetRows) -> u64 {
    match &rows.kind {
        RowsKind::Text(lines) | RowsKind::Json { lines, .. } => lines.reader().packed_bytes(),
        RowsKind::Csv(_) | RowsKind::Parquet { .. } => unreachable!("nobody asks"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Packs a text in each way that a file may be packed, with the ending of it.
fn packings(text: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    [("", text.to_vec()), (".gz", gzip(text)), (".zst", zstd::encode_all(text, 1).unwrap())]
}

/// Writes ids in each format, with its ending and the line of the first one.
fn formats(ids: &[&str]) -> [(&'static str, String, u64); 3] {
    let each = |row: &dyn Fn(&str) -> String| ids.iter().map(|id| row(id)).collect::<String>();
    [
        ("txt", each(&|id| format!("{id}\n")), 1),
        ("csv", format!("id\n{}", each(&|id| format!("{id}\n"))), 2),
        ("jsonl", each(&|id| format!("{{\"id\":\"{id}\"}}\n")), 1),
    ]
}

#[test]
fn the_first_row_beyond_a_limit_ends_the_reading_in_every_format_and_packing() {
    for (ending, text, first) in formats(&["u1", "u1", "u2", "u3", "u4"]) {
        for (packing, bytes) in packings(text.as_bytes()) {
            let name = format!("ids.{ending}{packing}");
            let row = |row: u64, id: &str| format!("{}: {id}", first + row);
            let rows = Limits { rows: 3, ..Limits::default() };
            let more = format!("line {}: the file has more than 3 rows", first + 3);
            assert_eq!(told(&name, &bytes, rows), [row(0, "u1"), row(1, "u1"), row(2, "u2"), more], "{name}");
            let enough = Limits { rows: 5, unpacked_bytes: text.len() as u64, ..Limits::default() };
            assert_eq!(told(&name, &bytes, enough).len(), 5, "{name}");

            // All of what is within the bound is given.
            let line = text.lines().last().unwrap().len() as u64 + 1;
            let bytes_max = text.len() as u64 - line;
            let few = Limits { unpacked_bytes: bytes_max, ..Limits::default() };
            let more = format!("line {}: the file unpacks to more than {bytes_max} bytes", first + 4);
            let stated = told(&name, &bytes, few);
            assert_eq!(stated.len(), 5, "{name}: {stated:?}");
            assert_eq!(stated[3..], [row(3, "u3"), more], "{name}");
        }
    }
}

#[test]
fn the_first_line_that_is_too_long_ends_the_reading_in_every_format_and_packing() {
    let long = "x".repeat(90);
    for (ending, text, first) in formats(&["u1", &long, "u3"]) {
        for (packing, bytes) in packings(text.as_bytes()) {
            let name = format!("ids.{ending}{packing}");
            let limits = Limits { line_bytes: 50, ..Limits::default() };
            let expected =
                [format!("{first}: u1"), format!("line {}: the line has more than 50 bytes", first + 1)];
            assert_eq!(told(&name, &bytes, limits), expected, "{name}");
            let limits = Limits { line_bytes: 101, ..Limits::default() };
            assert_eq!(told(&name, &bytes, limits).len(), 3, "{name}");
        }
    }
}

#[test]
fn a_row_with_a_mistake_is_a_row_and_an_empty_line_is_none() {
    let limits = Limits { rows: 2, ..Limits::default() };
    let stated = told("ids.txt", b" x\n\n\nu2\n\n", limits);
    assert_eq!(stated, ["line 1: the target id begins with white space: U+0020", "4: u2"]);
    let stated = told("ids.txt", b" x\n\nu2\n y\nu4\n", limits);
    assert_eq!(stated[1..], ["3: u2", "line 4: the file has more than 2 rows"]);
}

#[test]
fn a_file_that_unpacks_to_a_gigabyte_of_little_is_left_there() {
    let frame = zstd::encode_all(&vec![b'\n'; 1 << 20][..], 1).unwrap();
    let (_directory, file) = limited("ids.txt.zst", &frame.repeat(1100), Limits::default());
    let opened = Digested::new(File::open(&file.path).unwrap());
    let mut unpacked = Unpacked::new(opened, &file.path, file.limits).unwrap();
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    let error = loop {
        match unpacked.read(&mut buffer) {
            Ok(read) => bytes += read,
            Err(error) => break error,
        }
        assert!(bytes <= 1 << 30, "{bytes}");
    };
    assert_eq!(TooLarge::of(&error), Some(TooLarge::Ratio(200)));
    assert!(bytes > (1 << 30) - buffer.len(), "{bytes}");
}

#[test]
fn of_a_packed_line_without_an_end_little_is_read() {
    let packed = gzip(&vec![b'1'; 1 << 20]).repeat(64);
    let (_directory, file) = limited("ids.txt.gz", &packed, Limits::default());
    let mut rows = file.open().unwrap();
    let bad = rows.next_row().unwrap().unwrap_err();
    assert_eq!((bad.line, bad.why.to_string()), (1, "the line has more than 65 536 bytes".to_owned()));
    let read = packed_bytes(&rows);
    assert!(read < packed.len() as u64 / 2, "{read} of {}", packed.len());
}

/// Makes a file of a beginning and of 200 GB that take no room on the disk.
fn sparse(path: &Path, beginning: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(beginning).unwrap();
    file.set_len(200_000_000_000).unwrap();
}

#[test]
fn of_a_sparse_file_of_200_gigabytes_one_line_is_read() {
    let directory = tempfile::tempdir().unwrap();
    for (beginning, format, column, given) in [
        (&b""[..], TargetFileFormat::Text, None, 0),
        (b"u1\nu2\n", TargetFileFormat::Text, None, 2),
        (b"{\"id\":\"u1\"}\n", TargetFileFormat::Jsonl, Some("id"), 1),
    ] {
        let path = directory.path().join("ids");
        sparse(&path, beginning);
        let mut rows = file(&path, format, column, &[]).open().unwrap();
        for row in 0..given {
            assert!(rows.next_row().unwrap().is_ok(), "{row}");
        }
        let bad = rows.next_row().unwrap().unwrap_err();
        assert_eq!(
            (bad.line, bad.why.to_string()),
            (given + 1, "the line has more than 65 536 bytes".to_owned())
        );
        assert!(rows.next_row().is_none());
        let read = packed_bytes(&rows);
        assert!(read <= 256 << 10, "{read}");
    }
    // Of a Parquet file all of it would be hashed before its first row.
    let path = directory.path().join("ids.parquet");
    sparse(&path, b"PAR1");
    let error = file(&path, TargetFileFormat::Parquet, Some("id"), &[]).open().unwrap_err();
    assert_eq!(error.code(), Code::AudienceTooLarge, "{error}");
}
