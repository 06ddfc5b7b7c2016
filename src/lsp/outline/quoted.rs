//! Scalars in quotes.

/// Farthest a quote is searched for its partner: no message is longer.
const QUOTED_BYTES_MAX: usize = 64 * 1024;

/// Returns the end of the quoted scalar that begins at `start`, behind its closing quote; of its first line
/// where it is not closed. Its further lines are indented by more than `indent`, if there is one.
pub(super) fn end(text: &str, start: usize, indent: Option<usize>) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes[start];
    let limit = bytes.len().min(start + QUOTED_BYTES_MAX);
    let mut at = start + 1;
    while at < limit {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 1,
            byte if byte == quote => return at + 1,
            b'\n' if !goes_on(&bytes[at + 1..limit], indent) => break,
            _ => {}
        }
        at += 1;
    }
    let line_end = bytes[start..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| start + at);
    start + text[start..line_end].trim_end().len()
}

/// Whether a line belongs to the scalar of the one before.
fn goes_on(line: &[u8], indent: Option<usize>) -> bool {
    let spaces = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let is_blank = matches!(line.get(spaces), None | Some(b'\r' | b'\n'));
    is_blank || indent.is_none_or(|indent| spaces > indent)
}

/// Returns the text of a quoted scalar, whose closing quote may be missing. A line break counts as a space.
pub(super) fn text(quoted: &str) -> String {
    let quote = if quoted.starts_with('"') { '"' } else { '\'' };
    let body = quoted.strip_prefix(quote).unwrap_or(quoted);
    let body = body.strip_suffix(quote).unwrap_or(body);
    let folded: Vec<&str> = body.split('\n').map(str::trim).collect();
    let body = if folded.len() > 1 { folded.join(" ") } else { body.to_owned() };
    if quote == '\'' { body.replace("''", "'") } else { unescaped(&body) }
}

/// Returns text without the escapes of YAML 1.2.2 §5.7; an escape that is none stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(kind) = rest.chars().next() else { break };
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let code = rest.get(1..=digits).filter(|digits| !digits.is_empty());
        let coded = code.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
        rest = &rest[kind.len_utf8()..];
        match (kind, coded) {
            (_, Some(character)) => {
                out.push(character);
                rest = &rest[digits..];
            }
            ('n', _) => out.push('\n'),
            ('t', _) => out.push('\t'),
            ('r', _) => out.push('\r'),
            ('"' | '\\' | '/' | ' ', _) => out.push(kind),
            _ => out.extend(['\\', kind]),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_undone() {
        for (quoted, expected) in [
            (r#""a\"b\\c\u6807\x41\U0001F600""#, "a\"b\\c标A😀"),
            ("'it''s'", "it's"),
            ("\"a\r\n   b\"", "a b"),
            ("\"open", "open"),
            ("\"", ""),
            (r#""\q\u12""#, r"\q\u12"),
            (r#""\"#, ""),
            ("\"\\u文字\"", "\\u文字"),
        ] {
            assert_eq!(text(quoted), expected, "{quoted}");
        }
    }

    #[test]
    fn a_quote_that_nobody_closes_ends_with_its_line() {
        assert_eq!(end("\"a\n b\" c", 0, Some(0)), 6);
        assert_eq!(end("\"a \nb\" c", 0, Some(0)), 2);
        assert_eq!(end("'a'' b", 0, None), 6);
        assert_eq!(end("'a\\'", 0, None), 4);
        assert_eq!(end("\"a\\\"", 0, None), 4);
    }
}
