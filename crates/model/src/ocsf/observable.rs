//! The observables of an alert: what an analyst would search other events for.

use super::json::Object;
use super::party;
use crate::Alert;

/// OCSF `observable.type_id` and its caption.
type Kind = (i64, &'static str);

const IP_ADDRESS: Kind = (2, "IP Address");
const EMAIL_ADDRESS: Kind = (5, "Email Address");
const RESOURCE_UID: Kind = (10, "Resource UID");
const COUNTRY: Kind = (14, "Country");
const USER_UID: Kind = (31, "User Object: uid");
const RESOURCE_NAME: Kind = (38, "Resource Details Object: name");
const ENDPOINT_UID: Kind = (48, "Network Endpoint Object: uid");

/// Writes `observables`, unless there are none.
pub(super) fn write(out: &mut Object<'_>, alert: &Alert) {
    let country = party::country_of(&alert.origin);
    let has_country_code = party::has_endpoint(&alert.origin) && country.len() == 2;
    let target = alert.target.as_ref();
    let known = [
        ("actor.user.uid", USER_UID, Some(&*alert.actor.id)),
        ("actor.user.email_addr", EMAIL_ADDRESS, party::email_of(&alert.actor)),
        ("evidences[0].src_endpoint.ip", IP_ADDRESS, party::ip_of(&alert.origin)),
        ("evidences[0].src_endpoint.uid", ENDPOINT_UID, alert.origin.device.as_deref()),
        ("evidences[0].src_endpoint.location.country", COUNTRY, has_country_code.then_some(&*country)),
        ("resources[0].uid", RESOURCE_UID, target.map(|it| &*it.id)),
        ("resources[0].name", RESOURCE_NAME, target.and_then(|it| it.label.as_deref())),
    ];
    let known = known.into_iter().filter_map(|(name, kind, value)| Some((name, kind, value?)));
    let others = alert.actors.iter().filter(|it| **it != alert.actor.id).map(|it| ("unmapped.actors", USER_UID, &**it));
    let filled = known.chain(others).filter(|(_, _, value)| !value.is_empty());
    out.objects("observables", filled, |observable, (name, (type_id, caption), value)| {
        observable.text("name", name);
        observable.number("type_id", type_id);
        observable.text("type", caption);
        observable.text("value", value);
    });
}
