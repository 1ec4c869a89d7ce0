//! Messages over stdin and stdout, each with its length before it (LSP 3.17, base protocol). What is no message is answered as JSON-RPC 2.0
//! wants it, and the next one is read: an editor's mistake must not take the server from under everything that is open.

use lsp_server::{Connection, ErrorCode, Message};
use lsp_types::notification::{Exit, Notification as _};
use serde_json::{Value as Json, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::thread::{self, JoinHandle};

/// Longest message in bytes; a rule file has at most four megabytes. A longer one is passed over and answered with an error.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;
/// Longest line of a message's head in bytes.
const HEAD_LINE_BYTES_MAX: u64 = 4 << 10;
/// Most lines of a message's head.
const HEAD_LINES_MAX: usize = 32;
/// JSON-RPC 2.0, 5.1: the text is no JSON.
const PARSE_ERROR: i32 = -32700;

/// The server's end of the pipes, and the thread that writes.
pub(super) fn open() -> (Connection, JoinHandle<io::Result<()>>) {
    let (ours, theirs) = Connection::memory();
    let Connection { sender, receiver } = theirs;
    let writer = thread::spawn(move || receiver.into_iter().try_for_each(|it| it.write(&mut io::stdout().lock())));
    // Never joined: it ends with the editor, or with the process.
    thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        while let Ok(Some(read)) = read(&mut input) {
            let sent = match read {
                Ok(message) => {
                    let is_last = matches!(&message, Message::Notification(it) if it.method == Exit::METHOD);
                    sender.send(message).is_ok() && !is_last
                }
                Err((code, message)) => complain(&mut io::stdout().lock(), code, &message).is_ok(),
            };
            if !sent {
                return;
            }
        }
    });
    (ours, writer)
}

/// A message, or the code and the text of what to answer in its place.
type Parsed = Result<Message, (i32, String)>;

/// The next message; `None` when the editor has gone. An error of the pipe is an end as well.
fn read(input: &mut impl BufRead) -> io::Result<Option<Parsed>> {
    let Some(length) = head(input)? else { return Ok(None) };
    let length = match length {
        Ok(length) => length,
        Err(message) => return Ok(Some(Err((PARSE_ERROR, message)))),
    };
    if length > MESSAGE_BYTES_MAX {
        io::copy(&mut input.take(length), &mut io::sink())?;
        let message = format!("a message of {length} bytes; at most {MESSAGE_BYTES_MAX} are read");
        return Ok(Some(Err((ErrorCode::InvalidRequest as i32, message))));
    }
    let mut bytes = Vec::new();
    if input.take(length).read_to_end(&mut bytes)? as u64 != length {
        return Ok(None);
    }
    let json: Json = match serde_json::from_slice(&bytes) {
        Ok(json) => json,
        Err(error) => return Ok(Some(Err((PARSE_ERROR, format!("no JSON: {error}"))))),
    };
    let invalid = |error| (ErrorCode::InvalidRequest as i32, format!("no message: {error}"));
    Ok(Some(serde_json::from_value(json).map_err(invalid)))
}

/// The length that a head gives; `None` at the end of the input. What belongs to no head is passed over up to the next empty line.
fn head(input: &mut impl BufRead) -> io::Result<Option<Result<u64, String>>> {
    let mut length = None;
    for _ in 0..HEAD_LINES_MAX {
        let mut line = Vec::new();
        if input.take(HEAD_LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    Ok(Some(length.ok_or_else(|| "a message without a Content-Length".to_owned())))
}

/// Answers what has no identifier that could be read. The server's own type of answers always has one.
fn complain(out: &mut impl Write, code: i32, message: &str) -> io::Result<()> {
    let answer = json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": message}}).to_string();
    write!(out, "Content-Length: {}\r\n\r\n{answer}", answer.len())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut input = text.as_bytes();
        let mut found = Vec::new();
        while let Some(read) = read(&mut input).unwrap() {
            found.push(match read {
                Ok(Message::Notification(it)) => it.method,
                Ok(other) => panic!("{other:?}"),
                Err((code, _)) => code.to_string(),
            });
        }
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn garbage_is_answered_and_what_comes_behind_it_is_read() {
        let good = "Content-Length: 32\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"good\"}";
        let good = good.replace("32", &(good.len() - 22).to_string());
        check(&good, &["good"]);
        check(&format!("Content-Length: 3\r\n\r\n{{x}}{good}"), &["-32700", "good"]);
        check(&format!("content-length:2\r\nContent-Type: x\r\n\r\n[]{good}"), &["-32600", "good"]);
        check(&format!("Content-Length: -1\r\n\r\n{good}"), &["-32700", "good"]);
        check(&format!("hello\r\n\r\n{good}"), &["-32700", "good"]);
        let long = MESSAGE_BYTES_MAX + 1;
        let spaces = " ".repeat(usize::try_from(long).unwrap());
        check(&format!("Content-Length: {long}\r\n\r\n{spaces}{good}"), &["-32600", "good"]);
        check("Content-Length: 999999999999\r\n\r\n{}", &["-32600"]);
        check("Content-Length: 99\r\n\r\n{}", &[]);
    }
}
