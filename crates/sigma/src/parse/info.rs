//! What rules and correlations say about themselves: title, id, name, level and the rest of the top-level keys.

use super::hash;
use super::report::Report;
use super::yaml::{Kind, Node, Position};
use crate::problem::{Code, Edit, Fix};
use model::{Level, RuleInfo, Status, alert::RuleKind};
use uuid::{Uuid, uuid};

/// Longest title and name in characters (specification 2.1).
const TITLE_CHARS_MAX: usize = 256;
/// The namespace of identifiers that are derived from names.
const NAMESPACE: Uuid = uuid!("5b1f9e0c-6f0e-4d3a-9a57-0f4f4b0a3c11");

/// An identifier as it is compared: a UUID in its usual form, anything else as it is.
pub(super) fn canonical_id(id: &str) -> String {
    Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |it| it.to_string())
}

/// The name that a document gives itself.
pub(super) fn own_name(document: &Node) -> Option<&str> {
    document.get("name").and_then(Node::as_scalar).map(|it| it.text.trim()).filter(|it| !it.is_empty())
}

/// Reads the top-level keys. `default_name` is for documents without a name. `None` if a problem keeps the document from loading.
pub(super) fn read(document: &Node, kind: RuleKind, default_name: &str, report: &mut Report) -> Option<RuleInfo> {
    let mut reader = Reader { document, report };
    let errors = reader.report.errors();
    let title = reader.title();
    let name = reader.name(default_name);
    let id = reader.id(&name);
    let level = reader.level();
    let status = reader.status();
    let info = RuleInfo {
        id,
        name,
        title,
        description: reader.text("description"),
        version: hash::version(document),
        level,
        status,
        kind,
        tags: reader.tags(),
        false_positives: reader.texts("falsepositives"),
        references: reader.texts("references"),
        fields: reader.texts("fields"),
        author: reader.text("author"),
    };
    (report.errors() == errors).then_some(info)
}

/// What a filter says about itself. It has neither level nor status (specification 2.1, "Sigma Filters", "Syntax").
pub(super) struct About {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) version: String,
}

/// Reads the top-level keys of a filter. `None` if a problem keeps it from loading.
pub(super) fn read_filter(document: &Node, default_name: &str, report: &mut Report) -> Option<About> {
    let mut reader = Reader { document, report };
    let errors = reader.report.errors();
    let title = reader.title();
    let name = reader.name(default_name);
    let about =
        About { id: reader.id(&name), name, title, description: reader.text("description"), version: hash::version(document) };
    (report.errors() == errors).then_some(about)
}

struct Reader<'a> {
    document: &'a Node,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn title(&mut self) -> String {
        let Some(node) = self.document.get("title") else {
            self.report.error_with_hint(
                Code::BadTitle,
                self.document.at,
                "a document without a title",
                "add `title:` with what it detects",
            );
            return String::new();
        };
        let text = node.as_scalar().map(|it| it.text.trim().to_owned()).unwrap_or_default();
        if text.is_empty() {
            self.report.error(Code::BadTitle, node.at, "the title has to be a text");
        } else if text.chars().count() > TITLE_CHARS_MAX {
            self.report.warning(Code::LongTitle, node.at, format!("a title of more than {TITLE_CHARS_MAX} characters"));
        }
        text
    }

    fn name(&mut self, default_name: &str) -> String {
        let Some(node) = self.document.get("name") else { return default_name.to_owned() };
        match own_name(self.document) {
            Some(name) if name.chars().count() <= TITLE_CHARS_MAX => name.to_owned(),
            Some(_) => {
                self.report.error(Code::BadName, node.at, format!("a name of more than {TITLE_CHARS_MAX} characters"));
                String::new()
            }
            None => {
                self.report.error_with_hint(
                    Code::BadName,
                    node.at,
                    "the name has to be a text",
                    "leave `name` out to be called like the file",
                );
                String::new()
            }
        }
    }

    fn id(&mut self, name: &str) -> String {
        let Some(node) = self.document.get("id") else {
            self.report.warning_with_hint(
                Code::MissingId,
                self.document.at,
                "a document without an id",
                "add `id:` with a random UUID",
            );
            return Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
        };
        let Some(id) = node.as_scalar().map(|it| it.text.trim()).filter(|it| !it.is_empty()) else {
            self.report.error_with_hint(
                Code::BadId,
                node.at,
                "the id has to be a UUID",
                "leave `id` out to have one derived from the name",
            );
            return String::new();
        };
        if Uuid::try_parse(id).is_err() {
            self.report.warning_with_hint(Code::BadId, node.at, format!("the id `{id}` is not a UUID"), "write a random UUID");
        }
        canonical_id(id)
    }

    fn level(&mut self) -> Level {
        let Some(node) = self.document.get("level") else {
            let hint = format!("it counts as {}", Level::default());
            self.report.warning_with_hint(Code::MissingLevel, self.document.at, "a document without a level", hint);
            return Level::default();
        };
        let word = node.as_scalar().map(|it| it.text.as_str()).unwrap_or_default();
        Level::parse(word).unwrap_or_else(|| {
            let words = Level::ALL.map(Level::as_str);
            let message = format!("`{word}` is not a level; there are {}", words.join(", "));
            self.report.error_with_nearest(Code::BadLevel, node.at, message, word, words);
            Level::default()
        })
    }

    /// A document without a status is taken to be stable: somebody has put it there to be told. What a word that is none was to mean,
    /// page or not, nobody can know.
    fn status(&mut self) -> Status {
        let Some(node) = self.document.get("status") else { return Status::default() };
        let word = node.as_scalar().map(|it| it.text.as_str()).unwrap_or_default();
        let Some(status) = Status::parse(word) else {
            let message = format!("`{word}` is not a status; there are {}", Status::ALL.map(Status::as_str).join(", "));
            self.report.error_with_nearest(Code::BadStatus, node.at, message, word, Status::ALL.map(Status::as_str));
            return Status::default();
        };
        match status {
            Status::Deprecated => {
                let hint = "load the rule that has replaced it, and remove this one";
                self.report.warning_with_hint(
                    Code::DeprecatedRule,
                    node.at,
                    "the rule is deprecated; it runs and pages all the same",
                    hint,
                );
            }
            Status::Unsupported => {
                let hint = "remove the rule, or mend it and give it the status `test`";
                self.report.warning_with_hint(
                    Code::UnsupportedRule,
                    node.at,
                    "the rule is unsupported by its author; it does not run",
                    hint,
                );
            }
            Status::Stable | Status::Test | Status::Experimental => {}
        }
        status
    }

    fn tags(&mut self) -> Vec<String> {
        let tags = self.texts("tags");
        let Some(node) = self.document.get("tags") else { return tags };
        let is_sound = |tag: &str| {
            let part = |it: &str| {
                !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || b"._-".contains(&it))
            };
            tag.split_once('.').is_some_and(|(namespace, rest)| part(namespace) && part(rest))
        };
        for (at, wrong) in node.as_list().iter().filter_map(|it| Some((it.at, it.as_scalar()?.text.trim()))) {
            if is_sound(wrong) {
                continue;
            }
            let small = wrong.to_ascii_lowercase();
            let with_hyphens = small.replace([' ', '+', '/'], "-");
            let right = [&small, &with_hyphens].into_iter().find(|it| is_sound(it));
            let hint = right.map_or_else(
                || "write a namespace, a dot and a name in small letters: `attack.t1098`".to_owned(),
                |it| format!("write `{it}`"),
            );
            self.report.warning_with_hint(Code::BadTag, at, format!("the tag `{wrong}` is not `namespace.name`"), hint);
            if right == Some(&small) && at.width > 0 {
                let edit = Edit { start: (at.line, at.column), end: (at.line, at.column + at.width), text: small.clone() };
                self.report.fix_last(Some(Fix { title: format!("write `{small}`"), edits: vec![edit] }));
            }
        }
        tags
    }

    fn text(&mut self, key: &str) -> String {
        let Some(node) = self.document.get(key) else { return String::new() };
        match &node.kind {
            Kind::Scalar(_) => node.as_scalar().map(|it| it.text.trim().to_owned()).unwrap_or_default(),
            Kind::Sequence(_) | Kind::Map(_) => {
                self.ignored(node.at, key, node.describe());
                String::new()
            }
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(node) = self.document.get(key) else { return Vec::new() };
        let mut texts = Vec::new();
        for node in node.as_list() {
            match &node.kind {
                Kind::Scalar(_) => texts.extend(node.as_scalar().map(|it| it.text.trim().to_owned())),
                Kind::Sequence(_) | Kind::Map(_) => self.ignored(node.at, key, node.describe()),
            }
        }
        texts
    }

    fn ignored(&mut self, at: Position, key: &str, what: &str) {
        self.report.warning(Code::NotAText, at, format!("`{key}` holds {what} where a text should be; it is ignored"));
    }
}
