//! What a profile is told of an event, from the facts about it; and, for alerts, why the context does not excuse it.

use super::{DAY_MS, Facts, Input, Origin};
use crate::behaviour::{Asked, GroupKey, Observed, id_by};
use crate::context::Context;
use crate::context::names::Name;
use crate::context::purpose::TicketVerdict;
use crate::windows::Identity as Hash;
use baseline::clock::Bin;
use baseline::observation::{Class, Dimension, Family, Identity, Observation, Step};
use baseline::risk::Sensitivity;
use baseline::travel::Place;
use jiff::Timestamp;
use model::source::Outcome;
use std::net::IpAddr;

/// How far the place of an address may be wrong, in kilometres: address databases are right about the city at best.
const ACCURACY_KM: f32 = 50.0;
/// The first day that a profile can tell from "never", in days since the epoch.
const FIRST_DAY: i64 = 100;

impl Facts<'_> {
    /// What a profile is told of the event. `None` for nobody, and for times that profiles don't know.
    pub(in crate::computed) fn observed(&mut self) -> Option<Observed> {
        let actor = self.identity(Input::Actor)?;
        let second = u32::try_from(self.at_ms.div_euclid(1_000)).ok()?;
        let (day, bin) = self.day_and_hour()?;
        let class = self.class();
        let is_vip = self.is_watched() == Some(true);
        let family = Family::ALL[class.family_index()];
        let is_done = self.outcome() == Outcome::Success;
        // Whoever could not sign in has not shown who it is.
        let is_proven = is_done || !self.action().is_sign_in;
        let step = class.step.filter(|_| is_done).map(|it| [Step::ContactChange, Step::FactorOff, Step::Reset][usize::from(it)]);
        let observation = Observation {
            second,
            day,
            bin,
            family,
            is_sensitive: class.is_sensitive(),
            is_vip,
            has_ticket: self.has_ticket(),
            step,
            kinds: self.kinds(),
            target: self.known(Input::Target),
            place: self.place(),
            accuracy_km: ACCURACY_KM,
            is_proven,
        };
        let sensitivity = match (is_vip, class.is_sensitive()) {
            (true, _) => Sensitivity::Critical,
            (_, true) => Sensitivity::Sensitive,
            _ => Sensitivity::Ordinary,
        };
        Some(Observed { id: id_by(actor), group: self.group(), observation, sensitivity })
    }

    /// The day and the hour on the clocks where the actor is.
    fn day_and_hour(&self) -> Option<(u16, Bin)> {
        let offset = self.offset(Timestamp::from_millisecond(self.at_ms).ok()?);
        let shown = self.at_ms + 1_000 * i64::from(offset.seconds());
        let days = shown.div_euclid(DAY_MS);
        let day = u16::try_from(days).ok().filter(|it| i64::from(*it) >= FIRST_DAY)?;
        let hour = u8::try_from(shown.rem_euclid(DAY_MS) / 3_600_000).expect("a day has 24 hours");
        // The first day of 1970 was a Thursday.
        let is_day_off = matches!((days + 4) % 7, 0 | 6);
        Some((day, Bin::new(hour, is_day_off)))
    }

    /// Whether a ticket explains the action; nothing where none is expected.
    fn has_ticket(&mut self) -> Option<bool> {
        if !self.needs_ticket() {
            return None;
        }
        let is_named = !self.text(Input::Ticket).trim().is_empty();
        Some(is_named && self.ticket_verdict().is_none_or(|it| it == TicketVerdict::Ok))
    }

    /// What profiles know a role's text by.
    pub(super) fn known(&self, input: Input) -> Option<Identity> {
        self.identity(input).and_then(|it| Identity::new(it.0[0].max(1)))
    }

    fn kinds(&self) -> [Option<Identity>; 6] {
        let mut kinds = [None; 6];
        let of = |input| self.known(input);
        kinds[Dimension::Action.index()] = self.tried(Input::Action);
        kinds[Dimension::Tool.index()] = self.tried(Input::Tool);
        kinds[Dimension::Network.index()] = self.origin().network;
        kinds[Dimension::Device.index()] = of(Input::Device);
        kinds[Dimension::Asn.index()] = of(Input::Asn);
        kinds[Dimension::Country.index()] = of(Input::Country);
        kinds
    }

    /// An action or tool. To be denied one is another thing than to have it: who tries a door for weeks has never been inside, and a door that
    /// everybody tries is no surprise. A password mistyped is still a sign-in.
    fn tried(&self, input: Input) -> Option<Identity> {
        match self.outcome() {
            Outcome::Success => self.known(input),
            _ if self.action().is_sign_in => self.known(input),
            outcome => self.identity(input).and_then(|it| Identity::new(it.then(outcome.as_str()).0[0].max(1))),
        }
    }

    /// Where the address is, unless it is one of the company's.
    fn place(&self) -> Option<Place> {
        let number = |input| self.text(input).parse::<f64>().ok();
        let place = Place::new(number(Input::Latitude)?, number(Input::Longitude)?);
        place.filter(|_| self.origin().listed.is_none())
    }

    fn group(&self) -> GroupKey {
        let of_roster = |name: Name| self.context.names.text(name).map(hash);
        let of_event = |input| self.known(input).map(std::num::NonZero::get);
        let person = self.actor().person.map(|(_, it)| it);
        GroupKey {
            class: if self.actor().is_service { Class::Service } else { Class::Human },
            role: person.and_then(|it| of_roster(it.role)).or_else(|| of_event(Input::ActorRole)),
            team: person.and_then(|it| of_roster(it.team)).or_else(|| of_event(Input::ActorTeam)),
        }
    }

    /// The category that the event has in a dimension, as it is written there.
    pub(in crate::computed) fn category(&self, dimension: Dimension) -> Option<String> {
        let text = self.text(match dimension {
            Dimension::Action => Input::Action,
            Dimension::Tool => Input::Tool,
            Dimension::Network => Input::Ip,
            Dimension::Device => Input::Device,
            Dimension::Asn => Input::Asn,
            Dimension::Country => Input::Country,
        });
        let is_tried = matches!(dimension, Dimension::Action | Dimension::Tool) && self.outcome() != Outcome::Success;
        let tried = |it: String| if is_tried { format!("{it} ({})", self.outcome().as_str()) } else { it };
        (!text.is_empty()).then(|| tried(text.into_owned()))
    }

    /// A word of the event, or of what is known of its actor, as people write it.
    pub(in crate::computed) fn said(&self, asked: Asked) -> Option<String> {
        let person = self.actor().person.map(|(_, it)| it);
        let known = |of_roster: Option<Name>, input| {
            let of_roster = of_roster.and_then(|it| self.context.names.text(it)).map(str::to_owned);
            of_roster.or_else(|| Some(self.text(input).into_owned()).filter(|it| !it.is_empty()))
        };
        match asked {
            Asked::Actor => known(None, Input::Actor),
            Asked::Role => known(person.map(|it| it.role), Input::ActorRole),
            Asked::Team => known(person.map(|it| it.team), Input::ActorTeam),
            Asked::Kind(Dimension::Network) => self.network_name(),
            Asked::Kind(dimension) => self.category(dimension),
        }
    }

    /// What [`Origin::network`] stands for.
    fn network_name(&self) -> Option<String> {
        let Origin { address, listed, .. } = self.origin();
        let address = address?;
        if let Some(name) = listed {
            return self.context.names.text(name).map(str::to_owned);
        }
        Some(match address.to_canonical() {
            IpAddr::V4(it) => {
                let [a, b, c, _] = it.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(it) => {
                let [a, b, c, ..] = it.segments();
                format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        })
    }

    /// Why the context does not excuse the event, or what it could not tell; and last what it says for the actor all the
    /// same.
    pub(in crate::computed) fn remarks(&mut self) -> Vec<String> {
        let (mut remarks, mut in_favour) = (Vec::new(), Vec::new());
        match self.ticket_verdict() {
            Some(TicketVerdict::Ok) => in_favour.push("a ticket that fits was named".to_owned()),
            Some(verdict) => remarks.push(format!("ticket: {}", verdict.as_str().replace('_', " "))),
            None => {}
        }
        match self.duty() {
            Some(duty) if duty.is_on() == Some(false) => remarks.push(format!("not on duty: {}", duty.reason().replace('_', " "))),
            Some(duty) if duty.is_on() == Some(true) => in_favour.push(format!("on duty ({})", duty.reason().replace('_', " "))),
            _ if self.actor().is_service => remarks.push("a service account".to_owned()),
            _ => remarks.push("no schedule is known: hours are judged by what was learnt".to_owned()),
        }
        if self.is_watched() == Some(true) {
            remarks.push("the target is on a watch list".to_owned());
        }
        if self.rights(|it| it.next().is_some()) == Some(false) {
            remarks.push("beyond what the role is entitled to".to_owned());
        }
        if self.is_on_notice() == Some(true) {
            remarks.push("notice was given".to_owned());
        }
        if !in_favour.is_empty() {
            remarks.push(format!("in the actor's favour: {}", in_favour.join(", ")));
        }
        remarks
    }
}

impl Origin {
    /// Of the address that `text` is.
    pub(super) fn of(text: &str, context: &Context) -> Self {
        let address = text.parse().ok();
        let listed = address.and_then(|it| context.networks.find(it));
        let network = address.and_then(|it| match listed {
            Some(name) => identity(context.names.get(name)),
            None => network(it),
        });
        Self { address, listed, network }
    }
}

/// What an address outside of the networks of the context is known by: the first 24 bits, or 48 of the sixth version.
fn network(address: IpAddr) -> Option<Identity> {
    let mut bytes = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(it) => bytes[..3].copy_from_slice(&it.octets()[..3]),
        IpAddr::V6(it) => bytes[..6].copy_from_slice(&it.octets()[..6]),
    }
    bytes[6] = if address.is_ipv4() { 4 } else { 6 };
    Identity::new(u64::from_le_bytes(bytes))
}

/// What is known of a text; nothing of none.
fn identity(text: &str) -> Option<Identity> {
    if text.is_empty() { None } else { Identity::new(hash(text)) }
}

fn hash(text: &str) -> u64 {
    Hash::of([text]).0[0].max(1)
}
