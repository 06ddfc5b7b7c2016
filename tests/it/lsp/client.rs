//! A client of `campaignctl lsp` over standard input and output, that says every byte itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Longest silence of the server before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the cursor is in a text.
const CURSOR: char = '‸';

/// A running server, and what it said.
pub(super) struct Client {
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    requests_count: i64,
    versions: i64,
    /// Diagnostics by address, as published last.
    pub(super) published: BTreeMap<String, Vec<Value>>,
    /// How often diagnostics were published, by address.
    pub(super) publications: BTreeMap<String, usize>,
    /// Requests of the server.
    pub(super) asked: Vec<Value>,
}

impl Client {
    /// Starts the server without a word to it.
    pub(super) fn start(mut command: Command) -> Self {
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = server.stdin.take();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            while let Some(message) = read_message(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            server,
            input,
            messages,
            requests_count: 0,
            versions: 0,
            published: BTreeMap::new(),
            publications: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    /// Says hello, and returns what the server can do.
    pub(super) fn initialize(&mut self, root: Option<&Path>, capabilities: &Value) -> Value {
        let root = root.map(uri);
        let params = json!({ "processId": null, "rootUri": root, "capabilities": capabilities });
        let result = self.request("initialize", &params)["result"].clone();
        self.notify("initialized", &json!({}));
        result
    }

    pub(super) fn open(&mut self, path: &Path, text: &str) {
        self.versions += 1;
        let document =
            json!({ "uri": uri(path), "languageId": "yaml", "version": self.versions, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    /// Replaces the whole text.
    pub(super) fn change(&mut self, path: &Path, text: &str) {
        self.edit(path, &json!([{ "text": text }]));
    }

    pub(super) fn edit(&mut self, path: &Path, edits: &Value) {
        self.versions += 1;
        let document = json!({ "uri": uri(path), "version": self.versions });
        self.notify("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": edits }));
    }

    pub(super) fn close(&mut self, path: &Path) {
        self.notify("textDocument/didClose", &json!({ "textDocument": { "uri": uri(path) } }));
    }

    /// Waits until everything that was said is worked off. What a question finds out of date is published
    /// before its answer.
    pub(super) fn settle(&mut self) {
        self.request("campaignctl/nothing", &json!({}));
    }

    /// Returns the diagnostics of a file, once everything that was said is worked off.
    pub(super) fn diagnostics(&mut self, path: &Path) -> Vec<Value> {
        self.settle();
        self.published.get(&uri(path)).cloned().unwrap_or_default()
    }

    /// Makes a text with a cursor `‸` a document's own, and asks a question there.
    pub(super) fn at_cursor(&mut self, method: &str, path: &Path, marked: &str) -> Value {
        let before = &marked[..marked.find(CURSOR).expect("the text has a cursor")];
        self.change(path, &marked.replacen(CURSOR, "", 1));
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
        let position = json!({ "line": line, "character": column });
        let params = json!({
            "textDocument": { "uri": uri(path) }, "position": position, "context": { "includeDeclaration": true, "triggerKind": 1 },
        });
        self.request(method, &params)["result"].clone()
    }

    /// Returns what is offered at the cursor: each label and the text that is put in.
    pub(super) fn completions(&mut self, path: &Path, marked: &str) -> Vec<(String, String)> {
        let items = self.at_cursor("textDocument/completion", path, marked);
        let items = items.as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        items.map(|item| (text(&item["label"]), text(&item["textEdit"]["newText"]))).collect()
    }

    /// Asks, and returns the whole answer.
    pub(super) fn request(&mut self, method: &str, params: &Value) -> Value {
        self.requests_count += 1;
        let id = self.requests_count;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.answer(&json!(id))
    }

    pub(super) fn notify(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(super) fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("nobody said goodbye yet");
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// Waits for the answer with an id.
    pub(super) fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("the language server answers in time");
            match message["method"].as_str() {
                Some("textDocument/publishDiagnostics") => {
                    let uri = message["params"]["uri"].as_str().unwrap().to_owned();
                    let diagnostics = message["params"]["diagnostics"].as_array().unwrap().clone();
                    *self.publications.entry(uri.clone()).or_default() += 1;
                    self.published.insert(uri, diagnostics);
                }
                Some(_) => self.asked.push(message),
                None if message["id"] == *id => return message,
                None => {}
            }
        }
    }

    /// Ends the input, and waits for the server to go.
    pub(super) fn hang_up(mut self) -> ExitStatus {
        drop(self.input.take());
        self.server.wait().unwrap()
    }

    /// Says goodbye as the protocol wants it.
    pub(super) fn shut_down(mut self) -> ExitStatus {
        assert!(self.request("shutdown", &Value::Null)["result"].is_null());
        self.notify("exit", &Value::Null);
        self.server.wait().unwrap()
    }

    /// Says `exit` and nothing before it.
    pub(super) fn exit(mut self) -> ExitStatus {
        self.notify("exit", &Value::Null);
        self.server.wait().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// The address of a file.
pub(super) fn uri(path: &Path) -> String {
    url::Url::from_file_path(path).unwrap().to_string()
}

/// Reads one message of a language server; nothing at the end.
pub(crate) fn read_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(number) => length = number.parse().ok()?,
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
