//! The loop: one message after the other, and a new reading when none is waiting.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use chrono::{DateTime, Utc};
use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use lsp_types::InitializeParams;
use serde_json::Value;

use crate::load::Shapes;
use crate::lsp::session::Session;
use crate::lsp::transport::{self, Incoming};

/// Most messages that wait to be read; a client that sends more waits itself.
const WAITING_MAX: usize = 1024;

/// What the process hands in.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The workspace's directory, if one is named; else it is found from the folder that the editor opened.
    pub directory: Option<&'a std::path::Path>,
    /// The directories that the machine allows for audience files.
    pub roots: &'a [PathBuf],
    /// The process's own directory, absolute.
    pub current: &'a std::path::Path,
    /// The shapes of files.
    pub shapes: &'a Shapes,
    /// The clock.
    pub now: &'a dyn Fn() -> DateTime<Utc>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client asked for a shutdown, and then for the exit.
    AsAsked,
    /// The client left, or asked for the exit, without a shutdown.
    WithoutShutdown,
}

/// Answers one client until it leaves.
///
/// # Errors
///
/// Returns the system's error when an answer cannot be written.
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write,
    setting: Setting<'_>,
) -> io::Result<Ending> {
    let (sender, incoming) = sync_channel(WAITING_MAX);
    // Ends with the input, or with the process: a read that blocks cannot be called off.
    let reader = thread::spawn(move || {
        let mut input = input;
        while let Ok(Some(message)) = transport::read(&mut input) {
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    drop(reader);
    Server { incoming, output, setting, stage: Stage::New, requests_count: 0 }.run()
}

/// How far a session has come.
enum Stage {
    New,
    Open(Box<Session>),
    ShutDown,
}

struct Server<'a, W> {
    incoming: Receiver<Incoming>,
    output: W,
    setting: Setting<'a>,
    stage: Stage,
    /// How many requests went to the client.
    requests_count: i32,
}

impl<W: Write> Server<'_, W> {
    fn run(mut self) -> io::Result<Ending> {
        loop {
            let message = match self.incoming.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => break,
                // Only now, so that a burst of edits is read once.
                Err(TryRecvError::Empty) => {
                    self.publish()?;
                    match self.incoming.recv() {
                        Ok(message) => message,
                        Err(_) => break,
                    }
                }
            };
            match message {
                Incoming::Malformed(answer) => transport::write_raw(&mut self.output, &answer)?,
                Incoming::Message(Message::Notification(notification)) if notification.method == "exit" => {
                    break;
                }
                Incoming::Message(Message::Notification(notification)) => self.notified(notification)?,
                Incoming::Message(Message::Request(request)) => {
                    // Offers come while someone types, and every other answer is of the texts as they are now.
                    if request.method != "textDocument/completion" {
                        self.publish()?;
                    }
                    let answer = self.asked(request);
                    self.send(answer)?;
                }
                // An answer to a registration: a client that refuses it does not watch files.
                Incoming::Message(Message::Response(_)) => {}
            }
        }
        let is_shut_down = matches!(self.stage, Stage::ShutDown);
        Ok(if is_shut_down { Ending::AsAsked } else { Ending::WithoutShutdown })
    }

    fn send(&mut self, message: impl Into<Message>) -> io::Result<()> {
        message.into().write(&mut self.output)
    }

    fn publish(&mut self) -> io::Result<()> {
        let Stage::Open(session) = &mut self.stage else { return Ok(()) };
        for params in session.publish(self.setting.shapes) {
            let method = "textDocument/publishDiagnostics".to_owned();
            Message::from(Notification::new(method, params)).write(&mut self.output)?;
        }
        Ok(())
    }

    fn asked(&mut self, request: Request) -> Response {
        match (&mut self.stage, request.method.as_str()) {
            (Stage::New, "initialize") => self.initialize(request),
            (Stage::New, _) => refusal(request, ErrorCode::ServerNotInitialized, "`initialize` comes first"),
            (Stage::Open(_), "shutdown") => {
                self.stage = Stage::ShutDown;
                Response::new_ok(request.id, Value::Null)
            }
            (Stage::Open(_), "initialize") => {
                refusal(request, ErrorCode::InvalidRequest, "the session is open already")
            }
            (Stage::Open(session), _) => session.asked(request, self.setting.shapes, (self.setting.now)()),
            (Stage::ShutDown, _) => refusal(request, ErrorCode::InvalidRequest, "the session is shut down"),
        }
    }

    fn initialize(&mut self, request: Request) -> Response {
        let params: InitializeParams = match serde_json::from_value(request.params) {
            Ok(params) => params,
            Err(error) => {
                let code = ErrorCode::InvalidParams as i32;
                return Response::new_err(request.id, code, error.to_string());
            }
        };
        let directory = self.setting.directory.map(|directory| self.setting.current.join(directory));
        let current = PathBuf::from(self.setting.current);
        let (session, result) = Session::open(&params, directory, current, self.setting.roots);
        self.stage = Stage::Open(Box::new(session));
        Response::new_ok(request.id, result)
    }

    fn notified(&mut self, notification: Notification) -> io::Result<()> {
        let Stage::Open(session) = &mut self.stage else { return Ok(()) };
        if notification.method == "initialized"
            && let Some(params) = session.registration()
        {
            self.requests_count += 1;
            let method = "client/registerCapability".to_owned();
            return self.send(Request::new(self.requests_count.into(), method, params));
        }
        session.notified(notification);
        Ok(())
    }
}

fn refusal(request: Request, code: ErrorCode, reason: &str) -> Response {
    Response::new_err(request.id, code as i32, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::schema::shapes;

    /// Pieces that texts are made of: right, wrong and half of it.
    const PIECES: [&str; 12] = [
        "templates:\n  t: { name: t, title: \"#n#\", body: 标题😀 }\n",
        "campaigns:\n  c:\n    template: t\n    audience: a\n    strategy: s\n    values:\n      ",
        "strategies: { s: { send: now } }\n",
        "audiences:\n  a:\n    users: { file: ids.csv, column: id }\n",
        "  ",
        "\t",
        "\r\n",
        "\u{feff}",
        "{",
        "\"",
        "'\n",
        "t: ",
    ];

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8).prop_map(|pieces| pieces.concat())
    }

    /// A message about one of two files, or something that is none.
    fn message() -> impl Strategy<Value = Value> {
        let position = (0..12_u32, 0..40_u32)
            .prop_map(|(line, character)| json!({ "line": line, "character": character }));
        let uri = prop::sample::select(vec!["a.yaml", "campaignctl.yaml"]);
        (0..12, uri, text(), position.clone(), position).prop_map(|(kind, uri, text, start, end)| {
            let document = json!({ "uri": format!("file:///nowhere/{uri}"), "version": 1, "languageId": "yaml", "text": text });
            let at = json!({ "textDocument": document, "position": start, "context": { "includeDeclaration": true, "triggerKind": 1 } });
            let tell = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
            let ask = |method: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": at });
            match kind {
                0 | 1 => tell("textDocument/didOpen", json!({ "textDocument": document })),
                2 | 3 => {
                    let edit = json!({ "range": { "start": start, "end": end }, "text": text });
                    tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [edit] }))
                }
                4 => tell("textDocument/didClose", json!({ "textDocument": document })),
                5 => tell("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": document["uri"], "type": 3 }] })),
                6 => ask("textDocument/completion"),
                7 => ask("textDocument/hover"),
                8 => ask("textDocument/definition"),
                9 => ask("textDocument/references"),
                10 => ask("textDocument/documentSymbol"),
                _ => json!({ "id": text }),
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Every question gets one answer, and nothing ends the session but its end.
        #[test]
        fn no_row_of_messages_ends_the_session(messages in prop::collection::vec(message(), 0..30)) {
            let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "capabilities": {} } });
            let goodbye = [json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown" }), json!({ "jsonrpc": "2.0", "method": "exit" })];
            let mut input = Vec::new();
            let mut questions = 0;
            for message in [hello].iter().chain(&messages).chain(&goodbye) {
                questions += usize::from(message.get("id").is_some());
                transport::write_raw(&mut input, message).unwrap();
            }
            let mut output = Vec::new();
            let setting = Setting {
                directory: None,
                roots: &[],
                current: std::path::Path::new("/nowhere"),
                shapes: shapes(),
                now: &|| DateTime::UNIX_EPOCH,
            };
            let ending = serve(std::io::Cursor::new(input), &mut output, setting).unwrap();
            prop_assert_eq!(ending, Ending::AsAsked);
            let output = String::from_utf8(output).unwrap();
            let answers = output.matches("\"id\":").count();
            prop_assert_eq!(answers, questions);
        }
    }
}
