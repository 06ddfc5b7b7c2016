//! Messages as bytes: the base protocol's headers and JSON.
//!
//! Reads what `lsp-server` cannot, because a client's slip shall not end the session: a body that is no
//! message is answered and passed over. Knows no method.

use std::io::{self, BufRead, Read, Write};

use lsp_server::{ErrorCode, Message};
use serde_json::{Value, json};

/// Longest message: an open file has at most 4 MiB, and JSON writes some characters as six.
const MESSAGE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What stands between two headers.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message.
    Message(Message),
    /// Something else, and the answer that it deserves.
    Malformed(Value),
}

/// Reads one message; nothing where the input ends.
///
/// # Errors
///
/// Returns the system's error.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = read_header(input)? else { return Ok(None) };
    if length > MESSAGE_BYTES_MAX {
        io::copy(&mut input.take(length), &mut io::sink())?;
        let reason = format!("the message is larger than {} MiB", MESSAGE_BYTES_MAX / 1024 / 1024);
        return Ok(Some(Incoming::Malformed(refusal(&Value::Null, ErrorCode::InvalidRequest, &reason))));
    }
    let mut body = Vec::new();
    if (input.take(length).read_to_end(&mut body)? as u64) < length {
        return Ok(None);
    }
    Ok(Some(message(&body)))
}

/// Returns the length of the body that follows. Lines that are no header are passed over, and so are headers
/// that give no length: the next good one puts both sides in step again.
fn read_header(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    /// Longer than any header that is meant.
    const LINE_BYTES_MAX: u64 = 4096;
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        match (line.trim_end().split_once(':'), length) {
            (None, Some(length)) if line.trim_end().is_empty() => return Ok(Some(length)),
            (Some((name, value)), _) if name.eq_ignore_ascii_case("Content-Length") => {
                length = value.trim().parse().ok();
            }
            _ => {}
        }
    }
}

fn message(body: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => {
            let reason = format!("the message is not JSON: {error}");
            return Incoming::Malformed(refusal(&Value::Null, ErrorCode::ParseError, &reason));
        }
    };
    let id = value.get("id").filter(|id| id.is_string() || id.is_number()).cloned();
    let has_method = value.get("method").is_some();
    match serde_json::from_value(value) {
        // Without an id that can be answered, `lsp-server` would take a request for a notification.
        Ok(Message::Notification(_)) if id.is_some() => {
            let reason = "the id is neither a number of 32 bits nor a text";
            Incoming::Malformed(refusal(&id.unwrap_or_default(), ErrorCode::InvalidRequest, reason))
        }
        Ok(message) => Incoming::Message(message),
        Err(_) => {
            let reason = if has_method { "the method is no text" } else { "the message names no method" };
            Incoming::Malformed(refusal(&id.unwrap_or_default(), ErrorCode::InvalidRequest, reason))
        }
    }
}

fn refusal(id: &Value, code: ErrorCode, reason: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code as i32, "message": reason } })
}

/// Writes an answer that is no [`Message`], because it has no id.
///
/// # Errors
///
/// Returns the system's error.
pub(super) fn write_raw(output: &mut impl Write, answer: &Value) -> io::Result<()> {
    let body = answer.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    /// States every message that is read as its method, or as the code and id of its refusal.
    fn read_all(bytes: &[u8]) -> Vec<String> {
        let mut input = bytes;
        let mut seen = Vec::new();
        while let Some(incoming) = read(&mut input).unwrap() {
            seen.push(match incoming {
                Incoming::Message(Message::Request(request)) => format!("{} {}", request.method, request.id),
                Incoming::Message(Message::Notification(notification)) => notification.method,
                Incoming::Message(Message::Response(response)) => format!("response {}", response.id),
                Incoming::Malformed(answer) => format!("{} to {}", answer["error"]["code"], answer["id"]),
            });
        }
        seen
    }

    #[test]
    fn messages_are_read_one_after_the_other() {
        let text = [
            framed(r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#),
            framed(r#"{"jsonrpc":"2.0","method":"b","params":{"文":"😀"}}"#),
            framed(r#"{"jsonrpc":"2.0","id":"x","result":null}"#),
        ];
        assert_eq!(read_all(text.concat().as_bytes()), ["a 1", "b", "response \"x\""]);
    }

    #[test]
    fn what_is_no_message_is_refused_and_passed_over() {
        let text = [
            framed("{"),
            framed("[]"),
            framed(r#"{"id":7}"#),
            framed(r#"{"id":1.5,"method":"a"}"#),
            framed(r#"{"id":8,"method":[]}"#),
            framed(r#"{"method":"b"}"#),
        ];
        let expected =
            ["-32700 to null", "-32600 to null", "-32600 to 7", "-32600 to 1.5", "-32600 to 8", "b"];
        assert_eq!(read_all(text.concat().as_bytes()), expected);
        assert_eq!(read_all(&[b"Content-Length: 2\r\n\r\n\xff\xfe".as_slice()].concat()), ["-32700 to null"]);
    }

    #[test]
    fn broken_headers_are_passed_over() {
        let good = framed(r#"{"method":"b"}"#);
        for bad in ["nonsense\r\n\r\n", "Content-Length: x\r\n\r\n", "\r\n\r\n", "Content-Type: text\r\n\r\n"]
        {
            assert_eq!(read_all(format!("{bad}{good}").as_bytes()), ["b"], "{bad:?}");
        }
        let cut = &good[..good.len() - 1];
        assert!(read_all(cut.as_bytes()).is_empty(), "the input ends in the middle");
        let odd_case = good.replace("Content-Length: ", "content-length:").replace("\r\n", "\n");
        assert_eq!(read_all(odd_case.as_bytes()), ["b"]);
    }
}
