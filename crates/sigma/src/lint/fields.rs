//! Which fields a source has, as far as that is known.

use crate::computed;
use crate::parse::nearest::{nearest, within};
use model::SourceMapping;
use model::source::Required;
use std::collections::BTreeSet;

/// What a field of the native audit event holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text, one and no more.
    Text,
    /// A single value that may be something else.
    Scalar,
    /// A list or an object.
    Compound,
}

/// The native audit event (design, 3.1), without `detail`, which holds anything.
const NATIVE: [(&str, Kind); 28] = [
    ("time", Kind::Scalar),
    ("id", Kind::Text),
    ("actor.id", Kind::Text),
    ("actor.email", Kind::Text),
    ("actor.type", Kind::Text),
    ("actor.role", Kind::Text),
    ("actor.team", Kind::Text),
    ("actor.tz", Kind::Text),
    ("action", Kind::Text),
    ("outcome", Kind::Text),
    ("tool", Kind::Text),
    ("target.id", Kind::Scalar),
    ("target.type", Kind::Text),
    ("target.label", Kind::Text),
    ("target.tags", Kind::Compound),
    ("source.ip", Kind::Text),
    ("source.country", Kind::Text),
    ("source.asn", Kind::Scalar),
    ("source.device_id", Kind::Scalar),
    ("source.device_managed", Kind::Scalar),
    ("session.id", Kind::Scalar),
    ("session.auth_method", Kind::Text),
    ("justification.ticket", Kind::Text),
    ("justification.reason", Kind::Text),
    ("actor", Kind::Compound),
    ("target", Kind::Compound),
    ("source", Kind::Compound),
    ("justification", Kind::Compound),
];

fn native_names() -> impl Iterator<Item = &'static str> {
    NATIVE.iter().map(|it| it.0)
}

fn native_kind(field: &str) -> Option<Kind> {
    NATIVE.iter().find(|it| it.0 == field).map(|it| it.1)
}

/// The top-level fields that a record of the vendor's documentation has, besides those that roles name.
const CLOUDTRAIL: [&str; 30] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "eventType",
    "apiVersion",
    "managementEvent",
    "readOnly",
    "resources",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "eventCategory",
    "addendum",
    "sessionCredentialFromConsole",
    "edgeDeviceDetails",
    "tlsDetails",
];
const OKTA: [&str; 16] = [
    "actor",
    "client",
    "device",
    "authenticationContext",
    "displayMessage",
    "eventType",
    "outcome",
    "published",
    "securityContext",
    "severity",
    "debugContext",
    "legacyEventType",
    "transaction",
    "uuid",
    "version",
    "request",
];

/// What is wrong with a field of a source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    /// The field that was probably meant.
    pub(super) near: Option<String>,
}

/// The fields of the native source and the computed ones, for completion: names with dots, sorted. `detail.` and what is below it is
/// anybody's.
pub fn native_fields() -> Vec<String> {
    let fields: BTreeSet<String> =
        native_names().map(str::to_owned).chain(computed::names().iter().map(|it| it.0.clone())).collect();
    fields.into_iter().collect()
}

/// What is wrong with `field` in the events of `mapping`; `None` if it is there, or if nobody knows what is there.
pub(super) fn unknown(field: &str, mapping: &SourceMapping) -> Option<Unknown> {
    if field.starts_with(computed::PREFIX) {
        if computed::find(field).is_some() {
            return None;
        }
        let names = computed::names().iter().map(|it| it.0.as_str());
        return Some(Unknown { near: nearest(field, names).map(str::to_owned) });
    }
    let top = field.split(['.', '[']).next().unwrap_or(field);
    match mapping.name.as_str() {
        "native" => {
            let is_known = native_kind(field).is_some() || top == "detail" || top == "session" && field == top;
            if is_known {
                return None;
            }
            let is_inside = native_names().any(|it| it.strip_prefix(top).is_some_and(|rest| rest.starts_with('.')));
            if is_inside {
                return Some(Unknown { near: nearest(field, native_names()).map(str::to_owned) });
            }
            // The native schema keeps what it does not know: a field that is not nearly one of its own is the organisation's.
            let allowed = if field.len() < 8 { 1 } else { 2 };
            let is_near = |it: &&str| it.eq_ignore_ascii_case(field) || it.len() >= 5 && within(field, it, allowed);
            native_names().find(is_near).map(|it| Unknown { near: Some(it.to_owned()) })
        }
        "cloudtrail" => misspelled(top, field, CLOUDTRAIL.as_slice(), mapping),
        "okta" => misspelled(top, field, OKTA.as_slice(), mapping),
        "github" => misspelled(top, field, &[], mapping),
        _ => None,
    }
}

/// A top-level field that is nearly one of the source's. Vendors add fields, so that one that resembles none is nobody's mistake.
fn misspelled(top: &str, field: &str, known: &[&str], mapping: &SourceMapping) -> Option<Unknown> {
    let roles = roles(mapping);
    let tops = || known.iter().copied().chain(roles.iter().map(|it| it.split('.').next().unwrap_or(it)));
    if tops().any(|it| it == top) {
        return below(field, &roles);
    }
    let near = tops().find(|it| it.eq_ignore_ascii_case(top) || it.len() >= 5 && within(top, it, 1))?;
    Some(Unknown { near: Some(format!("{near}{}", &field[top.len()..])) })
}

/// A field below a known one that is a role's but for its case or a letter or two. Names keep their case, so that it is never there.
fn below(field: &str, roles: &[&str]) -> Option<Unknown> {
    if roles.iter().any(|it| *it == field || it.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))) {
        return None;
    }
    let (parent, last) = field.rsplit_once('.')?;
    let near = roles.iter().find(|it| {
        it.eq_ignore_ascii_case(field)
            || it.rsplit_once('.').is_some_and(|(up, name)| {
                up.eq_ignore_ascii_case(parent) && name.len() >= 5 && within(last, name, if name.len() < 8 { 1 } else { 2 })
            })
    })?;
    Some(Unknown { near: Some((*near).to_owned()) })
}

/// What is known of the fields of the sources that a rule is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// Of none nothing is known.
    pub(super) mappings: &'a [&'a SourceMapping],
}

impl Facts<'_> {
    fn all(&self, holds: impl Fn(&SourceMapping) -> bool) -> bool {
        !self.mappings.is_empty() && self.mappings.iter().all(|it| holds(it))
    }

    /// Whether `field` never holds a list.
    pub(super) fn is_single(&self, field: &str) -> bool {
        self.all(|it| is_single(field, it))
    }

    /// Whether no event is without `field`.
    pub(super) fn is_required(&self, field: &str) -> bool {
        self.all(|it| is_required(field, it))
    }
}

/// Whether what has no `field`, or `null` there, is no event of `mapping`.
fn is_required(field: &str, mapping: &SourceMapping) -> bool {
    let roles = &mapping.roles;
    let all = [(Required::Time, &roles.time), (Required::Actor, &roles.actor), (Required::Action, &roles.action)];
    mapping.name != "raw"
        && all.iter().any(|(role, paths)| mapping.requires(*role) && matches!(paths.as_slice(), [it] if it == field))
}

/// Whether the events of `mapping` have one value at most in `field`, never a list.
pub(super) fn is_single(field: &str, mapping: &SourceMapping) -> bool {
    if field.starts_with(computed::PREFIX) {
        return true;
    }
    if mapping.name == "native" {
        return matches!(native_kind(field), Some(Kind::Text | Kind::Scalar));
    }
    let roles = &mapping.roles;
    mapping.name != "raw" && [&roles.time, &roles.action].into_iter().flatten().any(|it| it == field)
}

/// Whether `field` is a text in the events of `mapping`.
pub(super) fn is_text(field: &str, mapping: &SourceMapping) -> bool {
    let is_text = |it: computed::Kind| matches!(it, computed::Kind::Word(_) | computed::Kind::Text);
    computed::find(field).is_some_and(|it| is_text(it.kind)) || mapping.name == "native" && native_kind(field) == Some(Kind::Text)
}

/// The values that `field` may have in the events of `mapping`, where its schema names them all.
pub(super) fn closed(field: &str, mapping: &SourceMapping) -> Option<&'static [&'static str]> {
    if let Some(found) = computed::find(field) {
        return Some(found.kind.values()).filter(|it| !it.is_empty());
    }
    match field {
        _ if mapping.name != "native" => None,
        "outcome" => Some(&["success", "failure", "denied"]),
        "actor.type" => Some(&["employee", "contractor", "service"]),
        _ => None,
    }
}

/// Whether `field` is one of the native events and none of those of `mapping`, whose vendor says what stands at the top of them. (A
/// name that nobody knows may be one that the vendor has added.)
pub(super) fn is_foreign(field: &str, mapping: &SourceMapping) -> bool {
    let known = match mapping.name.as_str() {
        "cloudtrail" => CLOUDTRAIL.as_slice(),
        "okta" => OKTA.as_slice(),
        "github" => &[],
        _ => return false,
    };
    let top = field.split('.').next().unwrap_or(field);
    let roles = roles(mapping);
    let is_below_text = mapping.roles.actor.iter().any(|it| it == top) && field != top && !roles.contains(&field);
    let is_at_top = known.contains(&top) || roles.iter().any(|it| it.split('.').next() == Some(top));
    // GitHub's records are flat and have many names; that `actor` is a text is all that is certain.
    native_kind(field).is_some() && (is_below_text || !is_at_top && !known.is_empty())
}

/// Whether no two events of `mapping` have the same value in `field`.
pub(super) fn is_unique(field: &str, mapping: &SourceMapping) -> bool {
    mapping.name != "raw" && mapping.roles.id.iter().any(|it| it == field)
}

fn roles(mapping: &SourceMapping) -> Vec<&str> {
    let it = &mapping.roles;
    let all = [
        &it.time,
        &it.id,
        &it.actor,
        &it.actor_email,
        &it.actor_type,
        &it.actor_role,
        &it.actor_team,
        &it.zone,
        &it.action,
        &it.outcome,
        &it.tool,
        &it.target,
        &it.target_type,
        &it.target_label,
        &it.target_tags,
        &it.source_ip,
        &it.source_country,
        &it.source_asn,
        &it.latitude,
        &it.longitude,
        &it.device,
        &it.session,
        &it.ticket,
        &it.dataset,
    ];
    let paths: Vec<&str> = all.into_iter().flatten().map(String::as_str).collect();
    paths.iter().copied().filter(|it| !is_lowered(it, &paths)).collect()
}

/// Whether a path is another of `all` in smaller letters: some pipelines write fields so, the vendor does not.
pub fn is_lowered(path: &str, all: &[&str]) -> bool {
    let capitals = |it: &str| it.bytes().filter(u8::is_ascii_uppercase).count();
    all.iter().any(|it| it.eq_ignore_ascii_case(path) && capitals(it) > capitals(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, field: &str, expected: &str) {
        let mapping = SourceMapping::built_in(source).unwrap();
        let word = |it: Unknown| it.near.unwrap_or("unknown".to_owned());
        let found = unknown(field, &mapping).map_or("known".to_owned(), word);
        assert_eq!(found, expected, "{field}");
    }

    #[test]
    fn fields_of_the_native_schema_are_known() {
        for field in native_fields() {
            check("native", &field, "known");
        }
        check("native", "detail.rows", "known");
        check("native", "cost_centre_of_the_branch", "known");
    }

    #[test]
    fn a_misspelled_field_comes_with_the_nearest_one() {
        check("native", "actor.idd", "actor.id");
        check("native", "Action", "action");
        check("native", "nj.shift.onduty", "nj.shift.on_duty");
        check("native", "session.favourite_colour_of_it", "unknown");
        check("cloudtrail", "eventNme", "eventName");
        check("okta", "evenType", "eventType");
        check("native", "Time", "time");
        check("okta", "eventtype", "eventType");
        check("okta", "actor.alternateid", "actor.alternateId");
        check("okta", "actor.alternatId", "actor.alternateId");
        check("okta", "client.ipAdress", "client.ipAddress");
        check("okta", "outcome.reslt", "outcome.result");
        check("cloudtrail", "eventname", "eventName");
        check("cloudtrail", "useridentity.arn", "userIdentity.arn");
        check("cloudtrail", "errorcode", "errorCode");
        check("github", "Action", "action");
        check("github", "actoin", "action");
    }

    #[test]
    fn what_vendors_may_have_added_is_not_unknown() {
        check("cloudtrail", "somethingNew", "known");
        check("okta", "debugContext.debugData.whatever", "known");
        check("github", "anything", "known");
        check("raw", "Actoin", "known");
    }
}
