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
    line 1: the line is not a JSON object with a text in `user_id`: invalid type: sequence, expected an object
    line 2: the object has no field `user_id`
    line 3: the line is not a JSON object with a text in `user_id`: invalid type: floating point `1.5`, expected a text or a whole number at column 15
    line 4: the object has the field `user_id` twice
    line 5: the line is not a JSON object with a text in `user_id`: EOF while parsing an object at column 15
    line 6: the line is not a JSON object with a text in `user_id`: trailing characters at column 4
    line 7: the line is not a JSON object with a text in `user_id`: invalid type: null, expected a text or a whole number at column 16
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
