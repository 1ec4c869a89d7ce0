//! Who did it, from where, through which interface, to what: the OCSF objects for the parties of an alert.

use super::json::Object;
use crate::alert::OriginRef;
use crate::{ActorRef, Alert, TargetRef};
use std::net::IpAddr;

/// Writes `actor`, if the alert knows who acted.
pub(super) fn write_actor(out: &mut Object<'_>, alert: &Alert) {
    out.object("actor", |actor| {
        actor.object("user", |user| write_user(user, &alert.actor));
        actor.object("session", |session| session.optional("uid", alert.origin.session.as_deref()));
    });
}

/// Writes the triggering event as the one evidence, unless nothing is known of it.
pub(super) fn write_evidences(out: &mut Object<'_>, alert: &Alert) {
    let has_actor = has_user(&alert.actor) || alert.origin.session.as_deref().is_some_and(|it| !it.is_empty());
    let is_empty = !has_actor && !has_endpoint(&alert.origin) && alert.action.is_empty() && alert.evidence.is_empty();
    out.objects("evidences", (!is_empty).then_some(()), |evidence, ()| {
        write_actor(evidence, alert);
        evidence.object("src_endpoint", |it| write_endpoint(it, &alert.origin));
        if !alert.action.is_empty() {
            evidence.object("api", |api| {
                api.text("operation", &alert.action);
                api.object("service", |service| service.optional("name", alert.tool.as_deref()));
            });
        }
        evidence.object("data", |data| write_data(data, alert));
    });
}

/// Writes the target as the one resource, unless it has neither identifier nor name.
pub(super) fn write_resources(out: &mut Object<'_>, alert: &Alert) {
    let is_named = |it: &&TargetRef| !it.id.is_empty() || is_filled(it.label.as_deref());
    out.objects("resources", alert.target.as_ref().filter(is_named), |resource, target| {
        resource.text("uid", &target.id);
        resource.optional("name", target.label.as_deref());
        resource.optional("type", target.kind.as_deref());
        resource.texts("labels", &target.tags);
        resource.number("role_id", 1);
        resource.text("role", "Target");
    });
}

/// Whether the origin is something that can be named: the schema has no endpoint that only has a country.
pub(super) fn has_endpoint(origin: &OriginRef) -> bool {
    is_filled(origin.ip.as_deref()) || is_filled(origin.device.as_deref())
}

/// The mail address, if it has the form that the schema asks of one.
pub(super) fn email_of(actor: &ActorRef) -> Option<&str> {
    actor.email.as_deref().filter(|it| is_email(it))
}

/// The address, if it is one: `CloudTrail` has the names of services in that place.
pub(super) fn ip_of(origin: &OriginRef) -> Option<&str> {
    const LENGTH_MAX: usize = 40;
    origin.ip.as_deref().filter(|it| it.len() <= LENGTH_MAX && it.parse::<IpAddr>().is_ok())
}

fn is_filled(text: Option<&str>) -> bool {
    text.is_some_and(|it| !it.is_empty())
}

fn has_user(actor: &ActorRef) -> bool {
    !actor.id.is_empty() || is_filled(actor.email.as_deref())
}

/// Writes who somebody is into `user`; nothing of somebody unnamed.
pub(super) fn write_user(user: &mut Object<'_>, actor: &ActorRef) {
    if !has_user(actor) {
        return;
    }
    user.text("uid", &actor.id);
    let email = email_of(actor);
    // The schema wants an identifier or a name; and what is no mail address to it still tells people who this is.
    if actor.id.is_empty() || email.is_none() {
        user.optional("name", actor.email.as_deref());
    }
    user.optional("email_addr", email);
    if let Some(kind) = actor.kind.as_deref().filter(|it| !it.is_empty()) {
        user.text("type", kind);
        user.number("type_id", user_type_id(kind));
    }
    user.object("ldap_person", |it| it.optional("job_title", actor.role.as_deref()));
    user.objects("groups", actor.team.as_deref().filter(|it| !it.is_empty()), |group, team| group.text("name", team));
}

/// OCSF `user.type_id` of the native schema's words and of what `CloudTrail` and Okta call their kinds.
fn user_type_id(kind: &str) -> i64 {
    const USER: i64 = 1;
    const ADMIN: i64 = 2;
    const SYSTEM: i64 = 3;
    const SERVICE: i64 = 4;
    const OTHER: i64 = 99;
    match kind.to_ascii_lowercase().as_str() {
        "employee" | "contractor" | "user" | "iamuser" | "federateduser" | "samluser" | "webidentityuser"
        | "identitycenteruser" => USER,
        "root" | "admin" => ADMIN,
        "system" | "systemprincipal" => SYSTEM,
        "service" | "awsservice" | "publicclientapp" | "serviceaccount" => SERVICE,
        _ => OTHER,
    }
}

fn write_endpoint(endpoint: &mut Object<'_>, origin: &OriginRef) {
    if !has_endpoint(origin) {
        return;
    }
    let (ip, device) = (ip_of(origin), origin.device.as_deref().unwrap_or_default());
    endpoint.optional("ip", ip);
    endpoint.text("uid", device);
    if ip.is_none() || device.is_empty() {
        endpoint.optional("name", origin.ip.as_deref());
    }
    endpoint.object("location", |it| it.text("country", &country_of(origin)));
}

/// The country, in capitals if it is a two-letter code.
pub(super) fn country_of(origin: &OriginRef) -> String {
    let country = origin.country.as_deref().unwrap_or_default();
    if country.len() == 2 { country.to_ascii_uppercase() } else { country.to_owned() }
}

/// The fields that made the rule match, each once: one event has one value for a field.
fn write_data(data: &mut Object<'_>, alert: &Alert) {
    for (at, evidence) in alert.evidence.iter().enumerate() {
        if alert.evidence[..at].iter().all(|it| it.field != evidence.field) {
            data.value(&evidence.field, &evidence.value);
        }
    }
}

/// The form of `email_t` in the schema.
fn is_email(text: &str) -> bool {
    let is_local = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+,-./=?^_`{|}~".contains(it);
    let is_host = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, rest)) = domain.split_once('.') else { return false };
    let has_all = |text: &str, is_legal: &dyn Fn(char) -> bool| !text.is_empty() && text.chars().all(is_legal);
    has_all(local, &is_local) && has_all(host, &is_host) && has_all(rest, &|it| is_host(it) || it == '.')
}
