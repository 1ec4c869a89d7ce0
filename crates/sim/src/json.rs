//! Writes an act as one line of JSON in the native event schema, by hand: the generator has to outrun what reads it.

use crate::act::{Act, Device, Extra, Subject};
use crate::company::Company;
use crate::config::DAY_MS;
use crate::seed::mix;
use crate::simulation::EventId;
use crate::vocabulary::{Action, Auth, COMMANDS, DATASETS, Outcome, Reason, Role, SETTINGS, Tool};

/// Reduced to what tells devices apart, as consoles log it.
const USER_AGENTS: [&str; 6] = [
    "Chrome/83.0.4103.116 (Mac OS X 10.15.5)",
    "Chrome/83.0.4103.116 (Windows NT 10.0)",
    "Safari/605.1.15 (Mac OS X 10.15.5)",
    "Firefox/78.0 (Windows NT 10.0)",
    "Firefox/78.0 (X11; Linux x86_64)",
    "Chrome/81.0.4044.138 (Mac OS X 10.14.6)",
];
const PHONE_AGENT: &str = "Chrome/83.0.4103.106 Mobile (Android 10)";
const SERVICE_AGENT: &str = "tern-service-client/7.2 (linux-amd64)";

const NOTES: [&str; 4] = [
    "customer says \"it worked yesterday\"",
    "called back, no answer; left voicemail\n2nd attempt tomorrow",
    "språk: svenska – översatt av kollega",
    "path C:\\Users\\me\\export.csv attached by customer",
];

/// Writes lines; keeps the text of the current date.
#[derive(Debug)]
pub(crate) struct LineWriter {
    day: i64,
    date: [u8; 11],
}

impl LineWriter {
    pub(crate) fn new() -> Self {
        Self { day: i64::MIN, date: *b"1970-01-01T" }
    }

    /// Replaces `out` by the line for `act`. `id` is the event's, and everything incidental (latencies, request numbers) follows from it.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, company: &Company, act: &Act, id: EventId) {
        out.clear();
        out.extend_from_slice(br#"{"time":""#);
        self.push_time(out, act.at_ms);
        out.extend_from_slice(br#"","id":""#);
        id.push(out);
        out.extend_from_slice(br#"","#);
        out.extend_from_slice(company.actor_json_at(act.actor, act.at_ms));
        for text in [act.action.as_str(), r#"","outcome":""#, act.outcome.as_str(), r#"","tool":""#, act.tool.as_str(), r#"","#] {
            out.extend_from_slice(text.as_bytes());
        }
        push_target(out, company, act.subject);
        push_source(out, act);
        out.extend_from_slice(br#","session":{"id":"s-"#);
        push_hex(out, mix(company.config.seed, u64::from(act.session.id)) >> 16, 12);
        out.extend_from_slice(br#"","auth_method":""#);
        out.extend_from_slice(act.session.auth.as_str().as_bytes());
        out.extend_from_slice(br#""}"#);
        push_justification(out, act);
        push_detail(out, company, act, id);
        out.push(b'}');
    }

    fn push_time(&mut self, out: &mut Vec<u8>, at_ms: i64) {
        let (day, in_day) = (at_ms.div_euclid(DAY_MS), at_ms.rem_euclid(DAY_MS) as u64);
        if day != self.day {
            self.day = day;
            let date = jiff::Timestamp::from_millisecond(day * DAY_MS).unwrap_or_default();
            self.date.copy_from_slice(&date.to_string().as_bytes()[..11]);
        }
        out.extend_from_slice(&self.date);
        push_padded(out, in_day / 3_600_000, 2);
        out.push(b':');
        push_padded(out, in_day / 60_000 % 60, 2);
        out.push(b':');
        push_padded(out, in_day / 1_000 % 60, 2);
        out.push(b'.');
        push_padded(out, in_day % 1_000, 3);
        out.push(b'Z');
    }
}

fn push_target(out: &mut Vec<u8>, company: &Company, subject: Subject) {
    if subject == Subject::Nothing {
        return;
    }
    out.extend_from_slice(br#""target":"#);
    match subject {
        Subject::Nothing => {}
        Subject::Account(account) => company.accounts.push_target(out, account),
        Subject::Actor(actor) => push_object(out, "user", company.actor_id(actor), "employee"),
        Subject::Dataset(index) => {
            let (name, purpose) = DATASETS[usize::from(index) % DATASETS.len()];
            push_object(out, "dataset", name, purpose);
        }
        Subject::Setting(index) => push_object(out, "setting", SETTINGS[usize::from(index) % SETTINGS.len()], "production"),
        Subject::Host(number) => {
            out.extend_from_slice(br#"{"type":"host","id":""#);
            push_host(out, number);
            out.extend_from_slice(br#"","label":""#);
            push_host(out, number);
            out.extend_from_slice(br#".prod","tags":["production"]}"#);
        }
    }
    out.push(b',');
}

fn push_object(out: &mut Vec<u8>, kind: &str, name: &str, tag: &str) {
    for text in [r#"{"type":""#, kind, r#"","id":""#, name, r#"","label":""#, name, r#"","tags":[""#, tag, r#""]}"#] {
        out.extend_from_slice(text.as_bytes());
    }
}

fn push_host(out: &mut Vec<u8>, number: u16) {
    let family = ["web", "edge", "timeline", "media"][usize::from(number) % 4];
    out.extend_from_slice(family.as_bytes());
    out.push(b'-');
    push_padded(out, u64::from(number), 3);
}

/// `target.id` of a host.
pub(crate) fn host_name(number: u16) -> String {
    let mut name = Vec::new();
    push_host(&mut name, number);
    String::from_utf8_lossy(&name).into_owned()
}

fn push_source(out: &mut Vec<u8>, act: &Act) {
    let place = &act.session.place;
    out.extend_from_slice(br#""source":{"ip":""#);
    for (at, octet) in place.ip.into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        push_uint(out, u64::from(octet));
    }
    out.extend_from_slice(br#"","country":""#);
    out.extend_from_slice(place.country.as_bytes());
    out.extend_from_slice(br#"","asn":"#);
    push_uint(out, u64::from(place.asn));
    out.extend_from_slice(br#","device_id":""#);
    let (prefix, number, is_managed) = match place.device {
        Device::Laptop(number) => ("d-", number, true),
        Device::Server(number) => ("h-", number, true),
        Device::Phone(number) => ("p-", number, false),
        Device::Foreign(number) => ("d-", number, false),
    };
    out.extend_from_slice(prefix.as_bytes());
    push_uint(out, u64::from(number));
    out.extend_from_slice(if is_managed { br#"","device_managed":true}"# } else { br#"","device_managed":false}"# });
}

fn push_justification(out: &mut Vec<u8>, act: &Act) {
    let sentence = act.reason.map_or("", Reason::sentence);
    if act.ticket.is_none() && sentence.is_empty() {
        return;
    }
    out.extend_from_slice(br#","justification":{"#);
    if let Some(ticket) = act.ticket {
        out.extend_from_slice(br#""ticket":""#);
        out.extend_from_slice(ticket.queue.prefix().as_bytes());
        push_uint(out, u64::from(ticket.number));
        out.extend_from_slice(br#"","#);
    }
    out.extend_from_slice(br#""reason":"#);
    push_string(out, sentence);
    out.push(b'}');
}

/// The tool's own fields. Their number is what makes a line about 700 bytes long, as real ones are.
fn push_detail(out: &mut Vec<u8>, company: &Company, act: &Act, id: EventId) {
    let noise = id.noise();
    out.extend_from_slice(br#","detail":{"#);
    match act.tool {
        Tool::AgentConsole | Tool::Helpdesk => push_console(out, company, act, noise),
        Tool::DataWarehouse => push_warehouse(out, act, noise),
        Tool::ProdAccess | Tool::AdminPanel => push_operations(out, act, noise),
        Tool::Idp => push_identity(out, act),
        Tool::Assistant => push_text(out, "model", "tern-assist-2"),
    }
    match act.extra {
        Extra::Grant { role, grantee } => {
            push_text(out, "granted_role", role.as_str());
            push_text(out, "grantee", company.actor_id(grantee));
        }
        Extra::Contact(field) => push_text(out, "field", field),
        Extra::Report(category) => push_text(out, "category", category),
        Extra::Path(path) => push_text(out, "path", path),
        Extra::Rows(_) | Extra::Command(_) | Extra::Nothing => {}
    }
    match act.outcome {
        Outcome::Success => {}
        Outcome::Failure => push_text(out, "error", "bad_password"),
        Outcome::Denied => push_text(out, "error", "not_entitled"),
    }
    push_text(out, "user_agent", user_agent(company, act));
    out.extend_from_slice(br#""request_id":""#);
    push_hex(out, mix(noise, 7), 12);
    out.extend_from_slice(br#""}"#);
}

fn push_console(out: &mut Vec<u8>, company: &Company, act: &Act, noise: u64) {
    let is_first_line = company.people.get(act.actor.0 as usize).is_some_and(|it| it.role == Role::SupportT1);
    let tier = if is_first_line { 1 } else { 2 };
    if let Some(reason) = act.reason {
        push_text(out, "reason_code", reason.as_str());
    }
    if act.tool == Tool::Helpdesk {
        push_text(out, "channel", ["web_form", "chat", "email", "app"][(noise >> 13) as usize % 4]);
        return;
    }
    push_number(out, "tier", tier);
    if let Extra::Rows(rows) = act.extra {
        push_number(out, "rows", u64::from(rows));
        push_number(out, "bytes", u64::from(rows) * (180 + noise % 90));
    }
    if act.ticket.is_some() && noise.is_multiple_of(31) {
        push_text(out, "note", NOTES[(noise >> 20) as usize % NOTES.len()]);
    }
}

fn push_warehouse(out: &mut Vec<u8>, act: &Act, noise: u64) {
    if let Subject::Dataset(index) = act.subject {
        let (name, purpose) = DATASETS[usize::from(index) % DATASETS.len()];
        push_text(out, "dataset", name);
        push_text(out, "dataset_purpose", purpose);
    }
    if let Extra::Rows(rows) = act.extra {
        push_number(out, "rows", u64::from(rows));
        push_number(out, "bytes", u64::from(rows) * (90 + noise % 60));
    }
    push_text(out, "statement", if act.action == Action::DataExport { "unload" } else { "select" });
    out.extend_from_slice(br#""query_id":""#);
    push_hex(out, mix(noise, 3), 16);
    out.extend_from_slice(br#"","#);
}

fn push_operations(out: &mut Vec<u8>, act: &Act, noise: u64) {
    push_text(out, "region", ["us-west", "us-east", "eu-west", "ap-south"][(noise >> 5) as usize % 4]);
    push_text(out, "cluster", ["atla", "smf1", "pdxa"][(noise >> 11) as usize % 3]);
    if let Extra::Command(index) = act.extra {
        push_text(out, "command", COMMANDS[usize::from(index) % COMMANDS.len()]);
        push_number(out, "exit_code", u64::from(noise.is_multiple_of(23)));
    }
    if act.tool == Tool::AdminPanel {
        push_text(out, "client", "2.9.0");
    }
    out.extend_from_slice(br#""trace_id":""#);
    push_hex(out, mix(noise, 4), 16);
    push_hex(out, mix(noise, 5), 16);
    out.extend_from_slice(br#"","#);
}

fn push_identity(out: &mut Vec<u8>, act: &Act) {
    push_text(out, "application", "workforce-sso");
    push_text(out, "policy", "internal-tools-v3");
    push_text(out, "first_factor", if act.session.auth == Auth::Mtls { "certificate" } else { "password" });
    push_text(out, "second_factor", act.session.auth.as_str());
}

fn user_agent(company: &Company, act: &Act) -> &'static str {
    match act.session.place.device {
        Device::Server(_) => SERVICE_AGENT,
        Device::Phone(_) => PHONE_AGENT,
        Device::Laptop(number) | Device::Foreign(number) => {
            let drawn = mix(company.config.seed, u64::from(number)) as usize;
            USER_AGENTS[drawn % USER_AGENTS.len()]
        }
    }
}

/// `"key":"text",` for a key that needs no escape.
fn push_text(out: &mut Vec<u8>, key: &str, text: &str) {
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(br#"":"#);
    push_string(out, text);
    out.push(b',');
}

fn push_number(out: &mut Vec<u8>, key: &str, number: u64) {
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(br#"":"#);
    push_uint(out, number);
    out.push(b',');
}

/// A JSON string, escaped as RFC 8259 asks.
fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().all(|it| it >= b' ' && it != b'"' && it != b'\\') {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' => out.extend_from_slice(br#"\""#),
                b'\\' => out.extend_from_slice(br"\\"),
                b'\n' => out.extend_from_slice(br"\n"),
                0..=0x1f => {
                    out.extend_from_slice(br"\u");
                    push_hex(out, u64::from(byte), 4);
                }
                _ => out.push(byte),
            }
        }
    }
    out.push(b'"');
}

/// Decimal digits of `number`.
pub(crate) fn push_uint(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// The last `width` decimal digits, at most 8, with leading zeros.
fn push_padded(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 8];
    let mut rest = number;
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[..width]);
}

/// The last `width` hexadecimal digits, at most 16, with leading zeros.
pub(crate) fn push_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [0; 16];
    let mut rest = number;
    for digit in digits[..width].iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&digits[..width]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_string(text: &str) {
        let mut out = Vec::new();
        push_string(&mut out, text);
        assert_eq!(serde_json::from_slice::<String>(&out).expect("valid JSON"), text);
    }

    #[test]
    fn strings_survive_quotes_controls_and_letters_beyond_ascii() {
        check_string("plain");
        check_string("a \"b\" \\ c");
        check_string("line\nfeed\ttab\u{1}\u{7f}");
        check_string("översatt – ok");
    }

    #[test]
    fn numbers_are_written_in_full() {
        let mut out = Vec::new();
        for number in [0, 9, 10, u64::MAX] {
            push_uint(&mut out, number);
            out.push(b' ');
        }
        push_padded(&mut out, 7, 3);
        assert_eq!(out, b"0 9 10 18446744073709551615 007");
    }
}
