use std::io::Write;

use tempfile::NamedTempFile;

use super::*;

/// Reads a file of `bytes`, and states its ids and bad lines.
fn read(format: TargetFileFormat, name: Option<&str>, bytes: &[u8]) -> Vec<String> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let file = TargetFile {
        path: file.path().to_owned(),
        shown_as: "ids".to_owned(),
        format,
        column_or_field: name.map(str::to_owned),
    };
    match file.open() {
        Err(error) => vec![format!("{}: {error}; {}", error.code(), error.help())],
        Ok(lines) => lines
            .map(|line| match line {
                Ok((line, id)) => format!("{line}: {id}"),
                Err(bad) => bad.to_string(),
            })
            .collect(),
    }
}

fn text(bytes: &[u8]) -> Vec<String> {
    read(TargetFileFormat::Text, None, bytes)
}

fn csv(bytes: &[u8]) -> Vec<String> {
    read(TargetFileFormat::Csv, Some("user_id"), bytes)
}

fn jsonl(bytes: &[u8]) -> Vec<String> {
    read(TargetFileFormat::Jsonl, Some("user_id"), bytes)
}

#[test]
fn one_id_a_line_with_any_line_break_and_byte_order_mark() {
    assert_eq!(text(b"\xef\xbb\xbfa\r\n\n\r\nb\nb"), ["1: a", "4: b", "5: b"]);
    assert_eq!(text(b""), [""; 0]);
    assert_eq!(text(b"\n\n"), [""; 0]);
}

#[test]
fn a_bad_line_is_named_and_the_next_one_read() {
    let long = "x".repeat(2 * LINE_BYTES_MAX);
    let lines = format!("a\n b\n{long}\nc\td\ne");
    assert_eq!(
        text(lines.as_bytes()),
        [
            "1: a",
            "line 2: a target id cannot begin or end with white space",
            "line 3: the line has more than 1048576 bytes",
            "line 4: a target id cannot contain the control character U+0009",
            "5: e",
        ]
    );
    assert_eq!(text(b"a\n\xff\nb"), ["1: a", "line 2: the line is not UTF-8 text", "3: b"]);
}

#[test]
fn a_csv_column_is_found_by_its_header() {
    let bytes =
        b"\xef\xbb\xbfname,user_id\r\n\"Zhang, San\",u1\r\n\r\n\"two\nlines \"\"quoted\"\"\",\"u2\"\r\nx,u3";
    assert_eq!(csv(bytes), ["2: u1", "4: u2", "6: u3"]);
}

#[test]
fn bad_csv_records_are_named_by_their_first_line() {
    assert_eq!(
        csv(b"name,user_id\nonly\n,\nx,\xff\n\"a\nb\",\" u\"\ny,u5\n"),
        [
            "line 2: the line has no column `user_id`",
            "line 3: a target id cannot be empty",
            "line 4: the line is not UTF-8 text",
            "line 5: a target id cannot begin or end with white space",
            "7: u5",
        ]
    );
}

#[test]
fn an_unclosed_quote_ends_the_reading_at_its_line() {
    assert_eq!(
        csv(b"user_id\nu1\n\"u2\nu3\nu4\n"),
        ["2: u1", "line 3: a quote is opened here and never closed"]
    );
    let endless = format!("user_id\n\"u1\n{}", "x\n".repeat(LINE_BYTES_MAX));
    assert_eq!(csv(endless.as_bytes()), ["line 2: a quote is opened here and never closed"]);
}

#[test]
fn an_endless_csv_line_is_skipped() {
    let endless = format!("user_id\nu1\n{}\nu3\n", "x".repeat(2 * LINE_BYTES_MAX));
    assert_eq!(csv(endless.as_bytes()), ["2: u1", "line 3: the line has more than 1048576 bytes", "4: u3"]);
}

#[test]
fn a_csv_header_that_lacks_the_column_says_what_there_is() {
    assert_eq!(
        csv(b""),
        ["audience-file: `ids` has no header line; write the names of the columns into the first line"]
    );
    assert_eq!(csv(b"userid,x\n"), ["audience-file: `ids` has no column `user_id`; did you mean `userid`?"]);
    assert_eq!(csv(b"a,b\n"), ["audience-file: `ids` has no column `user_id`; its columns are `a`, `b`"]);
    assert_eq!(
        csv(b"user_id,user_id\n"),
        ["audience-file: `ids` has the column `user_id` twice; give every column a name of its own"]
    );
    assert_eq!(
        read(TargetFileFormat::Csv, None, b"a\n"),
        [
            "audience-file: nothing says which column or field of `ids` holds the ids; add `column: NAME` for CSV, `field: NAME` for JSON Lines"
        ]
    );
}

#[test]
fn one_field_of_each_json_object_is_read() {
    let lines = "{\"user_id\": \"u1\", \"tags\": [{\"user_id\": \"no\"}]}\n\n{\"x\": null, \"user_id\": 1024}\n{\"user_id\": \"\\u4f60\"}";
    assert_eq!(jsonl(lines.as_bytes()), ["1: u1", "3: 1024", "4: 你"]);
}

#[test]
fn bad_json_lines_are_named() {
    let lines = b"[1]\n{\"id\": 1}\n{\"user_id\": 1.5}\n{\"user_id\": \"a\", \"user_id\": \"b\"}\n{\"user_id\": \"a\"\n{} x\n{\"user_id\": null}\n{\"user_id\":\"\"}";
    insta::assert_snapshot!(jsonl(lines).join("\n"), @r"
    line 1: the line is not a JSON object with a text in `user_id`: found sequence, expected an object
    line 2: the object has no field `user_id`
    line 3: the line is not a JSON object with a text in `user_id`: found floating point `1.5`, expected a text or a whole number at column 15
    line 4: the object has the field `user_id` twice
    line 5: the line is not a JSON object with a text in `user_id`: the line ends too early
    line 6: the line is not a JSON object with a text in `user_id`: something follows the object at column 4
    line 7: the line is not a JSON object with a text in `user_id`: found null, expected a text or a whole number at column 16
    line 8: a target id cannot be empty
    ");
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| TargetFile {
        path: directory.path().join(name),
        shown_as: name.to_owned(),
        format: TargetFileFormat::Text,
        column_or_field: None,
    };
    assert_eq!(file("").open().unwrap_err().code(), Code::NotAFile);
    let missing = file("gone.csv").open().unwrap_err();
    assert_eq!(missing.code(), Code::UnreadableFile);
    assert_eq!(missing.help(), "the path is relative to the YAML file that names it");
}

/// Reads a packed file of lines `u1`, `u2` … and counts its ids and bad lines.
fn packed(ending: &str, bytes: &[u8]) -> (usize, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(format!("ids.txt.{ending}"));
    std::fs::write(&path, bytes).unwrap();
    let format = TargetFileFormat::Text;
    let file = TargetFile { path, shown_as: "ids".to_owned(), format, column_or_field: None };
    let (mut count, mut bad) = (0, Vec::new());
    let mut lines = file.open().unwrap();
    for line in lines.by_ref() {
        match line {
            Ok((line, id)) => {
                count += 1;
                assert_eq!(id.as_str(), format!("u{line}"));
            }
            Err(line) => bad.push(line.to_string()),
        }
    }
    if bad.is_empty() {
        use sha2::Digest;
        let whole: [u8; 32] = sha2::Sha256::digest(bytes).into();
        assert_eq!(lines.digest(), whole, "every byte of the packed file counts");
    }
    (count, bad)
}

fn ids(from: usize, to: usize) -> Vec<u8> {
    (from..=to).flat_map(|number| format!("u{number}\n").into_bytes()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn packed_files_read_like_plain_ones() {
    assert_eq!(packed("gz", &gzip(&ids(1, 50_000))), (50_000, Vec::new()));
    assert_eq!(packed("zst", &zstandard(&ids(1, 50_000))), (50_000, Vec::new()));
    // Of several parts, as parallel packers and `cat` make them.
    let parts = |pack: fn(&[u8]) -> Vec<u8>| [pack(&ids(1, 10)), pack(&ids(11, 20))].concat();
    assert_eq!(packed("gz", &parts(gzip)), (20, Vec::new()));
    assert_eq!(packed("zst", &parts(zstandard)), (20, Vec::new()));
}

#[test]
fn a_packed_file_that_is_cut_short_or_garbage_is_no_audience() {
    for (ending, whole) in [("gz", gzip(&ids(1, 50_000))), ("zst", zstandard(&ids(1, 50_000)))] {
        let (count, bad) = packed(ending, &whole[..whole.len() / 2]);
        assert!(count < 50_000 && bad.len() == 1, "{ending}: {count} ids, {bad:?}");
        assert!(bad[0].contains("cannot be read further"), "{ending}: {bad:?}");
        let (count, bad) = packed(ending, b"u1\nu2\n");
        assert_eq!((count, bad.len()), (0, 1), "{ending}: {bad:?}");
    }
}
