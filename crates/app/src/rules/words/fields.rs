//! The fields that rules can test: those of native events, those that source mappings name, and the computed ones.

use model::source::{RolePaths, SourceMapping};
use sigma::computed;
use sigma::lint::fields::is_lowered;

/// What is known about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldDoc {
    pub(crate) path: String,
    pub(crate) meaning: String,
    /// Values it can have, where there are few.
    pub(crate) values: &'static [&'static str],
}

/// Path, meaning, values. The native audit event.
const NATIVE: [(&str, &str, &[&str]); 26] = [
    ("time", "When it happened, RFC 3339.", &[]),
    ("id", "The event's own identifier.", &[]),
    ("actor.id", "Who acted.", &[]),
    ("actor.email", "The actor's mail address.", &[]),
    ("actor.type", "What kind of actor.", &["employee", "contractor", "service"]),
    ("actor.role", "The actor's job.", &[]),
    ("actor.team", "The actor's team.", &[]),
    ("actor.tz", "The actor's time zone (IANA name or offset); rules about hours use it.", &[]),
    ("action", "What was done, such as `password.reset`.", &[]),
    ("outcome", "What became of it; absent means success.", &["success", "failure", "denied"]),
    ("tool", "The tool it was done with.", &[]),
    ("target.type", "What kind of thing it was done to.", &[]),
    ("target.id", "What it was done to.", &[]),
    ("target.label", "The target's name for people.", &[]),
    ("target.tags", "The target's tags; a list, of which any may match.", &[]),
    ("source.ip", "The address it came from.", &[]),
    ("source.country", "The country it came from (ISO 3166).", &[]),
    ("source.asn", "The autonomous system it came from.", &[]),
    ("source.device_id", "The device it came from.", &[]),
    ("source.device_managed", "Whether the company manages the device.", &["true", "false"]),
    ("session.id", "The session it belongs to.", &[]),
    ("session.auth_method", "How the session was signed in.", &["webauthn", "totp", "sms", "password", "mtls"]),
    ("justification.ticket", "The ticket that was named as the reason.", &[]),
    ("justification.reason", "The reason in words.", &[]),
    ("detail", "Whatever else the tool tells; `detail.rows`, say.", &[]),
    ("detail.rows", "How many rows were read or exported.", &[]),
];

/// What `path` means in the sources of `product`, or in whichever source if none of them is of that product. A part that is left open in the documentation (`<family>`) stands for any of its words.
pub(crate) fn documented(path: &str, product: &str) -> Vec<FieldDoc> {
    let mut found: Vec<FieldDoc> = Vec::new();
    let mappings = SourceMapping::built_in_names().filter(|it| *it != "raw").filter_map(|it| SourceMapping::built_in(it).ok());
    let mappings: Vec<SourceMapping> = mappings.collect();
    let is_of = |it: &SourceMapping| it.logsource.product.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(product));
    let is_known = mappings.iter().any(is_of);
    for mapping in mappings.iter().filter(|it| !is_known || is_of(it)) {
        for mut field in of_source(mapping).into_iter().filter(|it| names(&it.path, path)) {
            if !field.path.starts_with("nj.") {
                field.meaning = format!("({}) {}", mapping.name, field.meaning);
            }
            if !found.iter().any(|it| it.meaning == field.meaning) {
                found.push(field);
            }
        }
    }
    found
}

/// The fields that events of `mapping` have as far as is known, and the computed ones.
pub(crate) fn of_source(mapping: &SourceMapping) -> Vec<FieldDoc> {
    let doc = |&(path, meaning, values): &(&str, &str, &'static [&'static str])| FieldDoc {
        path: path.to_owned(),
        meaning: meaning.to_owned(),
        values,
    };
    let mut fields: Vec<FieldDoc> = if mapping.name == "native" { NATIVE.iter().map(doc).collect() } else { roles(&mapping.roles) };
    fields.extend(computed::names().iter().map(|(name, it)| FieldDoc {
        path: name.clone(),
        meaning: it.meaning.to_owned(),
        values: it.kind.values(),
    }));
    fields
}

/// The fields that a mapping names, with the role that each plays.
fn roles(roles: &RolePaths) -> Vec<FieldDoc> {
    let all: [(&[String], &str); 24] = [
        (&roles.time, "When it happened."),
        (&roles.id, "The event's own identifier."),
        (&roles.actor, "Who acted."),
        (&roles.actor_email, "The actor's mail address."),
        (&roles.actor_type, "What kind of actor."),
        (&roles.actor_role, "The actor's job."),
        (&roles.actor_team, "The actor's team."),
        (&roles.zone, "The actor's time zone."),
        (&roles.action, "What was done."),
        (&roles.outcome, "What became of it."),
        (&roles.tool, "The tool it was done with."),
        (&roles.target, "What it was done to."),
        (&roles.target_type, "What kind of thing it was done to."),
        (&roles.target_label, "The target's name for people."),
        (&roles.target_tags, "The target's tags."),
        (&roles.source_ip, "The address it came from."),
        (&roles.source_country, "The country it came from."),
        (&roles.source_asn, "The number of the autonomous system it came from."),
        (&roles.latitude, "The latitude it came from, in degrees."),
        (&roles.longitude, "The longitude it came from, in degrees."),
        (&roles.device, "The device it came from."),
        (&roles.session, "The session it belongs to."),
        (&roles.ticket, "The ticket that was named as the reason."),
        (&roles.dataset, "The data set that was read."),
    ];
    let mut fields: Vec<FieldDoc> = Vec::new();
    let known: Vec<&str> = all.iter().flat_map(|it| it.0).map(String::as_str).collect();
    for (paths, meaning) in all {
        for path in paths.iter().filter(|it| !it.is_empty() && !is_lowered(it, &known)) {
            match fields.iter_mut().find(|it| it.path == *path) {
                Some(field) => field.meaning = format!("{} {meaning}", field.meaning),
                None => fields.push(FieldDoc { path: path.clone(), meaning: meaning.to_owned(), values: &[] }),
            }
        }
    }
    fields
}

/// Whether the documented path `pattern` is about `path`: part by part, `<a|b>` is `a` or `b`, and `<word>` is any.
fn names(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('.'), path.split('.'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) => {
                let open = pattern.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
                let fits = match open {
                    Some(words) if words.contains('|') => words.split('|').any(|it| it == part),
                    Some(_) => !part.is_empty(),
                    None => pattern == part,
                };
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_documented_for_each_source_that_has_it() {
        let action = documented("action", "");
        assert_eq!(action.len(), 2, "{action:?}");
        assert!(action[0].meaning.starts_with("(native) What was done"));
        assert_eq!(documented("action", "GitHub").len(), 1);
        assert_eq!(documented("action", "nobody's").len(), 2);
        assert!(documented("nowhere.at.all", "").is_empty());
    }

    #[test]
    fn open_parts_stand_for_their_words_and_computed_fields_are_of_any_source() {
        let rate = documented("nj.rate.export.10m.count", "okta");
        assert_eq!(rate.len(), 1, "{rate:?}");
        assert_eq!(documented("nj.chain.targets", "okta").len(), 1);
        assert!(documented("nj.rate.export.10h.count", "").is_empty());
    }
}
