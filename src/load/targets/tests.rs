use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::*;
use crate::diagnostic::Code;

const LINE_BYTES_MAX: usize = 64 << 10;

/// Returns a file on disk as YAML may name it.
pub(super) fn file(path: &Path, format: TargetFileFormat, name: Option<&str>, values: &[&str]) -> TargetFile {
    let boundary = Arc::new(Boundary::new(path.parent().unwrap().to_owned(), Vec::new()));
    TargetFile {
        boundary,
        path: path.to_owned(),
        shown_as: "ids".to_owned(),
        format,
        column_or_field: name.map(str::to_owned),
        value_columns: values.iter().map(|&value| value.to_owned()).collect(),
        limits: Limits::default(),
    }
}

/// Reads a file of `bytes`, and states its rows and bad lines.
fn read_values(format: TargetFileFormat, name: Option<&str>, values: &[&str], bytes: &[u8]) -> Vec<String> {
    let mut named = NamedTempFile::new().unwrap();
    named.write_all(bytes).unwrap();
    rows(&file(named.path(), format, name, values))
}

pub(super) fn rows(file: &TargetFile) -> Vec<String> {
    let mut rows = match file.open() {
        Err(error) => return vec![format!("{}: {error}; {}", error.code(), error.help())],
        Ok(rows) => rows,
    };
    let mut stated = Vec::new();
    while let Some(row) = rows.next_row() {
        stated.push(match row {
            Ok(row) if row.values.is_empty() => format!("{}: {}", row.line, row.id),
            Ok(row) => {
                let values: Vec<&str> = row.values.iter().collect();
                format!("{}: {} = {}", row.line, row.id, values.join(" | "))
            }
            Err(bad) => format!("line {}: {}", bad.line, bad.why),
        });
    }
    stated
}

fn read(format: TargetFileFormat, name: Option<&str>, bytes: &[u8]) -> Vec<String> {
    read_values(format, name, &[], bytes)
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
    let lines = "a\n b\nc\td\ne";
    assert_eq!(
        text(lines.as_bytes()),
        [
            "1: a",
            "line 2: the target id begins with white space: U+0020",
            "line 3: the target id contains the control character U+0009",
            "4: e",
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
            "line 2: the line has 1 field, and the header 2",
            "line 3: a target id cannot be empty",
            "line 4: the line is not UTF-8 text",
            "line 5: the target id begins with white space: U+0020",
            "7: u5",
        ]
    );
}

#[test]
fn a_comma_too_many_or_too_few_makes_no_other_column_an_id() {
    let bytes =
        b"name,user_id,city\nAnn,u1,Bonn\nSmith,John,u2,Berlin\nu3,Cologne\n\"Smith, Jo\",u4,\nBo,u5,,\n";
    assert_eq!(
        csv(bytes),
        [
            "2: u1",
            "line 3: the line has 4 fields, and the header 3",
            "line 4: the line has 2 fields, and the header 3",
            "5: u4",
            "line 6: the line has 4 fields, and the header 3",
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
    assert_eq!(
        csv(endless.as_bytes()),
        ["line 2: the quote that is opened here is not closed within 65 536 bytes"]
    );
}

#[test]
fn a_quote_that_is_misplaced_swallows_nobody() {
    // In a column that nobody asks for, too.
    assert_eq!(
        csv(b"user_id,nick\r\nu1,\"Ann\r\nu2,\"Bob\"\r\nu3,C\r\nu4,D\"\r\n\"\"u5\"\",E\r\n\"u6\",\"F\""),
        [
            "line 2: the quote that is opened here runs on to line 3, where text follows it",
            "4: u3",
            "line 5: a quote is inside a field that does not begin with one",
            "line 6: text follows a closing quote",
            "7: u6",
        ]
    );
    assert_eq!(csv(b"\xef\xbb\xbf\"user_id\"\n\"u1\"\r"), ["2: u1"]);
}

#[test]
fn an_endless_line_is_the_end() {
    let endless = format!("user_id\nu1\n{}\nu3\n", "x".repeat(2 * LINE_BYTES_MAX));
    assert_eq!(csv(endless.as_bytes()), ["2: u1", "line 3: the line has more than 65 536 bytes"]);
    let endless = format!("u1\n{}\nu3\n", "x".repeat(2 * LINE_BYTES_MAX));
    assert_eq!(text(endless.as_bytes()), ["1: u1", "line 2: the line has more than 65 536 bytes"]);
}

#[test]
fn a_csv_header_that_lacks_the_column_says_what_there_is() {
    assert_eq!(
        csv(b""),
        ["audience-file: `ids` has no header line; write the names of the columns into the first line"]
    );
    assert_eq!(
        csv(b"usrid,x\n"),
        [
            "audience-file: `ids` has no column `user_id`; did you mean its column 1? Its name differs in a few letters"
        ]
    );
    for (separator, name) in [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")] {
        assert_eq!(
            csv(format!("user_id{separator}x\n").as_bytes()),
            [format!(
                "audience-file: `ids` has no column `user_id`; its columns are separated by {name}: save it with commas"
            )]
        );
    }
    assert_eq!(
        csv(b"a,b\n"),
        ["audience-file: `ids` has no column `user_id`; it has 2 columns, none with a name like it"]
    );
    assert_eq!(
        csv(b"user_id,user_id\n"),
        ["audience-file: `ids` has the column `user_id` twice; give every column a name of its own"]
    );
    assert_eq!(
        read(TargetFileFormat::Csv, None, b"a\n"),
        [
            "audience-file: nothing says which column or field of `ids` holds the ids; add `column: NAME` for CSV and Parquet, `field: NAME` for JSON Lines"
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
    line 3: the line is not a JSON object with a text in `user_id`: found a fraction, expected a text or a whole number at column 15
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
    let file = |name: &str| file(&directory.path().join(name), TargetFileFormat::Text, None, &[]);
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
    let (mut count, mut bad) = (0, Vec::new());
    let mut rows = file(&path, TargetFileFormat::Text, None, &[]).open().unwrap();
    while let Some(row) = rows.next_row() {
        match row {
            Ok(row) => {
                count += 1;
                assert_eq!(row.id.as_str(), format!("u{}", row.line));
            }
            Err(bad_line) => bad.push(format!("line {}: {}", bad_line.line, bad_line.why)),
        }
    }
    if bad.is_empty() {
        use sha2::Digest;
        let whole: [u8; 32] = sha2::Sha256::digest(bytes).into();
        assert_eq!(rows.digest(), whole, "every byte of the packed file counts");
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

#[test]
fn what_to_do_about_a_packed_file_fits_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let help = |ending: &str, bytes: &[u8]| {
        let path = directory.path().join(format!("ids.csv.{ending}"));
        std::fs::write(&path, bytes).unwrap();
        // What is torn may unpack to any line.
        let limits = Limits { line_bytes: 1 << 30, ..Limits::default() };
        match (TargetFile { limits, ..file(&path, TargetFileFormat::Csv, Some("id"), &[]) }).open() {
            Err(error) => error.help(),
            Ok(mut rows) => loop {
                if let Err(bad) = rows.next_row().unwrap()
                    && let BadLineReason::Io(error) = bad.why
                {
                    break packing_help(&error).unwrap().to_owned();
                }
            },
        }
    };
    let cut = "it was cut short or damaged: copy it again, or make it anew";
    let content = [b"id\n".to_vec(), ids(1, 50_000)].concat();
    for (ending, packing, whole) in
        [("gz", "gzip", gzip(&content)), ("zst", "Zstandard", zstandard(&content))]
    {
        let other = format!("it is not packed with {packing}: pack it, or take `.{ending}` off its name");
        assert_eq!(help(ending, b"id\nu1\nu2\nand some more\n"), other);
        // Before its first line, and in the middle.
        for length in [0, 3, 9, 40, whole.len() / 2, whole.len() - 1] {
            assert_eq!(help(ending, &whole[..length]), cut, "{ending} of {length}");
        }
        let mut torn = whole.clone();
        torn[whole.len() / 2..].fill(0xa5);
        assert_eq!(help(ending, &torn), cut, "{ending}");
    }
}

#[test]
fn columns_of_a_csv_give_each_row_its_values() {
    let csv = |values: &[&str], bytes: &[u8]| read_values(TargetFileFormat::Csv, Some("id"), values, bytes);
    let bytes = b"name,id,money\n\"Zhang, \"\"San\"\"\",u1,200.50\n\xe4\xbd\xa0,u2, 1\n";
    assert_eq!(csv(&["money", "name"], bytes), ["2: u1 = 200.50 | Zhang, \"San\"", "3: u2 =  1 | 你"]);
    assert_eq!(csv(&["id", "name", "id"], b"id,name\nu1,a\n"), ["2: u1 = u1 | a | u1"]);
    assert_eq!(
        csv(&["name", "money"], b"id,name,money\nu1,,1\nu2,b\nu3,\xff,3\nu4,d,4\n"),
        [
            "line 2: `name` is empty",
            "line 3: the line has 2 fields, and the header 3",
            "line 4: the line is not UTF-8 text",
            "5: u4 = d | 4",
        ]
    );
    assert_eq!(
        csv(&["nam"], b"id,name\n"),
        [
            "audience-file: `ids` has no column `nam`; did you mean its column 2? Its name differs in a few letters"
        ]
    );
    assert_eq!(
        csv(&["name"], b"id,name,name\n"),
        ["audience-file: `ids` has the column `name` twice; give every column a name of its own"]
    );
}

#[test]
fn fields_of_a_json_line_give_each_row_its_values() {
    let jsonl = |values: &[&str], lines: &str| {
        read_values(TargetFileFormat::Jsonl, Some("id"), values, lines.as_bytes())
    };
    let line = r#"{"name": "a \"b\" \u4f60", "x": [{"name": 1}], "id": 7, "money": 200.50, "is_vip": true}"#;
    assert_eq!(
        jsonl(&["money", "name", "is_vip", "money", "id"], line),
        [r#"1: 7 = 200.50 | a "b" 你 | true | 200.50 | 7"#]
    );
    // As written: neither rounded nor laid out anew.
    let numbers = [r#"{"id":"u","n":12345678901234567890.10}"#, r#"{"id":"u","n":-1E+3}"#];
    assert_eq!(jsonl(&["n"], &numbers.join("\n")), ["1: u = 12345678901234567890.10", "2: u = -1E+3"]);
    let bad = [
        r#"{"id":"u"}"#,
        r#"{"id":"u","n":null}"#,
        r#"{"id":"u","n":""}"#,
        r#"{"id":"u","n":1,"n":null}"#,
        r#"{"id":"u","n":[1]}"#,
        r#"{"id":"u","n":{}}"#,
        r#"{"id":"u","n":"\ud800"}"#,
        r#"{"id":"u","n":1e}"#,
        r#"{"n":"x"}"#,
    ];
    insta::assert_snapshot!(jsonl(&["n"], &bad.join("\n")).join("\n"), @r"
    line 1: the object has no field `n`
    line 2: `n` is empty
    line 3: `n` is empty
    line 4: the object has the field `n` twice
    line 5: the line is not a JSON object with a text in `n`: found a list, expected a text, a number, true or false at column 18
    line 6: the line is not a JSON object with a text in `n`: found an object, expected a text, a number, true or false at column 17
    line 7: the line is not a JSON object with a text in `n`: an escape stands for no character at column 23
    line 8: the line is not a JSON object with a text in `n`: invalid number at column 17
    line 9: the object has no field `id`
    ");
}

#[test]
fn plain_text_has_no_values() {
    assert_eq!(
        read_values(TargetFileFormat::Text, None, &["name"], b"u1\n"),
        [
            "audience-file: `ids` is plain text: it has no column `name`; use CSV, JSON Lines or Parquet where targets have values of their own"
        ]
    );
}

#[test]
fn every_format_gives_the_same_rows_however_it_is_packed_and_with_any_values() {
    let people = [("u1", "Zhang San", "1"), ("u2", "你", "2.50"), ("u1", "c", "3")];
    let text = people.map(|(id, ..)| format!("{id}\n")).concat();
    let csv = people.map(|(id, name, n)| format!("{name},{id},\"{n}\"\r\n")).concat();
    let jsonl =
        people.map(|(id, name, n)| format!("{{\"name\":\"{name}\",\"id\":\"{id}\",\"n\":{n}}}\n")).concat();
    let files = [
        (TargetFileFormat::Text, None, "txt", text, 1),
        (TargetFileFormat::Csv, Some("id"), "csv", format!("name,id,n\r\n{csv}"), 2),
        (TargetFileFormat::Jsonl, Some("id"), "jsonl", jsonl, 1),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (format, name, ending, content, first_line) in files {
        let packings = [
            ("", content.clone().into_bytes()),
            (".gz", gzip(content.as_bytes())),
            (".ZST", zstandard(content.as_bytes())),
        ];
        for (packing, bytes) in packings {
            let path = directory.path().join(format!("ids.{ending}{packing}"));
            std::fs::write(&path, bytes).unwrap();
            let stated = |columns: &[&str]| rows(&file(&path, format, name, columns));
            let lines = || people.iter().zip(first_line..);
            let expected: Vec<String> = lines().map(|((id, ..), line)| format!("{line}: {id}")).collect();
            assert_eq!(stated(&[]), expected, "{ending}{packing}");
            if format != TargetFileFormat::Text {
                let expected: Vec<String> =
                    lines().map(|((id, name, n), line)| format!("{line}: {id} = {n} | {name}")).collect();
                assert_eq!(stated(&["n", "name"]), expected, "{ending}{packing}");
            }
        }
    }
}

#[test]
fn a_carriage_return_ends_a_csv_record_too() {
    let bytes = b"user_id,n\ru1,x\ru2,\nu3,\r\r\n\r\r\nu4,\r\"u\r5\",\n\"u6\",\ru7,";
    assert_eq!(
        csv(bytes),
        [
            "1: u1",
            "1: u2",
            "2: u3",
            "4: u4",
            "line 4: the target id contains the control character U+000D",
            "5: u6",
            "5: u7",
        ]
    );
}

#[test]
fn a_csv_header_that_is_endless_is_no_header() {
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    let unclosed = "a quote is opened here and never closed; close the quote; nothing after it was read";
    let [line, quote] = [
        ("the line has more than 65 536 bytes", "check that it is the right file, and has line breaks"),
        ("the quote that is opened here is not closed within 65 536 bytes", "close the quote"),
    ]
    .map(|(why, help)| {
        let raise = "or raise `limits.audience_line_bytes` in the project file; nothing after this was read";
        [format!("audience-too-large: `ids` is too large: {why}; {help}; {raise}")]
    });
    assert_eq!(csv(format!("{long}\nu1\n").as_bytes()), line);
    assert_eq!(csv(format!("\"user_id\n{long}\n").as_bytes()), quote);
    for (header, why) in [
        ("\"user_id\nu1\n".to_owned(), unclosed),
        (
            "\"user_id\nu1,\"Ann\"\n".to_owned(),
            "the quote that is opened here runs on to line 2, where text follows it; close the quote where its field ends, or remove it",
        ),
    ] {
        let expected = format!("audience-file: the header line of `ids` cannot be read: {why}");
        assert_eq!(csv(header.as_bytes()), [expected]);
    }
}

proptest::proptest! {
    /// What is cut at commas is what the crate would have cut it into.
    #[test]
    fn a_csv_line_means_the_same_with_quotes_around_its_fields(
        fields in proptest::collection::vec("[a-c \\.é]{0,3}", 1..5),
        column in 0_usize..5,
    ) {
        let header = ["c0", "c1", "c2", "c3", "c4"];
        let plain = format!("{}\n{}\nlast,last,last,last,last\n", header.join(","), fields.join(","));
        let quoted = format!(
            "{}\n\"{}\"\nlast,last,last,last,last\n",
            header.join(","),
            fields.join("\",\"")
        );
        let read = |text: &str| {
            read_values(TargetFileFormat::Csv, Some(header[column]), &["c0", "c3"], text.as_bytes())
        };
        // Nothing but an empty line is skipped, and an empty quoted field is none.
        proptest::prop_assume!(fields != [""]);
        proptest::prop_assert_eq!(read(&plain), read(&quoted));
    }
}

#[test]
fn a_merge_that_nobody_resolved_gives_no_ids_in_any_format() {
    let merge = |ours: &str, theirs: &str| {
        format!("<<<<<<< HEAD\n{ours}\n||||||| base\n=======\n{theirs}\n>>>>>>> vips\n")
    };
    let marker = |line: u64| format!("line {line}: the line is a merge conflict marker");
    let expected = [
        "2: u1".to_owned(),
        marker(3),
        "4: u2".to_owned(),
        marker(5),
        marker(6),
        "7: u3".to_owned(),
        marker(8),
    ];
    assert_eq!(csv(format!("user_id\nu1\n{}", merge("u2", "u3")).as_bytes()), expected);
    assert_eq!(csv(format!("user_id\nu1\n{}", merge("\"u2\"", "u3")).as_bytes()), expected);
    assert_eq!(text(format!("u0\nu1\n{}", merge("u2", "u3")).as_bytes())[1..], expected);
    let id = |id: &str| format!("{{\"user_id\":\"{id}\"}}");
    let lines = format!("{}\n{}\n{}", id("u0"), id("u1"), merge(&id("u2"), &id("u3")));
    assert_eq!(jsonl(lines.as_bytes())[1..], expected);
    let first = "audience-file: `ids` begins with the marker of a merge conflict; resolve the merge conflict";
    assert_eq!(text(merge("u1", "u2").as_bytes()), [first]);
    // Within a quoted field, it is a text.
    assert_eq!(csv(b"user_id,note\nu1,\"a\n=======\nb\"\n"), ["2: u1"]);
}

#[test]
fn a_header_that_stands_in_the_file_again_is_no_person() {
    let again = |line: u64| format!("line {line}: the header is repeated here");
    assert_eq!(csv(b"user_id\nu1\nuser_id\nu2\n"), ["2: u1", &again(3), "4: u2"]);
    assert_eq!(csv(b"user_id,city\nu1,HZ\n\"user_id\",city\nu2,SH\n"), ["2: u1", &again(3), "4: u2"]);
    // Another order of the same columns is a header, too, and so is another case.
    assert_eq!(csv(b"user_id,city\nu1,HZ\nUSER_ID, City\n"), ["2: u1", &again(3)]);
    assert_eq!(csv(b"user_id,city\nu1,HZ\ncity,user_id\n"), ["2: u1", &again(3)]);
    assert_eq!(csv(b"user_id,city\nuser_id,HZ\ncity,SH\n"), ["2: user_id", "3: city"]);
}

#[test]
fn what_is_no_list_is_told_by_what_it_is_packed_or_not() {
    let open = |ending: &str, bytes: &[u8]| {
        let mut named = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
        named.write_all(bytes).unwrap();
        let format = if ending.contains("csv") { TargetFileFormat::Csv } else { TargetFileFormat::Text };
        rows(&file(named.path(), format, Some("user_id"), &[])).join("\n")
    };
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n";
    let is_pointer = "audience-file: `ids` is a Git LFS pointer, not the list that it stands for; fetch the list itself with `git lfs pull`; in CI, check out with LFS";
    for ending in [".txt", ".csv", ".txt.gz", ".csv.zst"] {
        assert_eq!(open(ending, pointer), is_pointer, "{ending}");
    }
    assert_eq!(open(".csv.gz", &gzip(pointer)), is_pointer);
    let page = "audience-file: `ids` is a page of HTML or XML; ";
    assert!(open(".csv", b"<?xml version=\"1.0\"?><Error/>").starts_with(page));
    assert!(open(".txt.gz", &gzip(b"\n<!doctype html>\n")).starts_with(page));
    let utf16: Vec<u8> = "user_id\nu1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let is_utf16 = "audience-file: `ids` is UTF-16 text, not UTF-8; save the file as UTF-8";
    assert_eq!(open(".csv", &[&b"\xff\xfe"[..], &utf16].concat()), is_utf16);
    assert_eq!(open(".csv", &utf16), is_utf16);
    assert!(open(".csv", &gzip(b"user_id\nu1\n")).contains("is packed with gzip; end its name in `.gz`"));
}

#[test]
fn a_column_that_only_looks_like_the_one_that_is_asked_for_is_described() {
    assert_eq!(
        csv("us\u{435}r_id\nu1\n".as_bytes()),
        [
            "audience-file: `ids` has no column `user_id`; column 1 looks like it, but has another letter that looks the same: U+0435; rename it in the file"
        ]
    );
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_so_and_reads_nothing_of_the_file() {
    let [said] = &read(TargetFileFormat::Parquet, Some("user_id"), b"PAR1 and anything")[..] else {
        panic!()
    };
    assert!(said.starts_with("audience-file: "), "{said}");
    assert!(said.contains("which this build of `campaignctl` cannot read"), "{said}");
}
