//! The facts about one event that its computed fields are made of; each is looked up once, and only if a field wants it.

mod observed;
mod touched;

pub(crate) use touched::Sighted;

use super::field::{Field, Input};
use super::words::{Action, Origin, Word, Words};
use super::{Computed, Plan, State};
use crate::context::calendar::Duty;
use crate::context::names::Name;
use crate::context::purpose::{Deed, TicketVerdict};
use crate::context::roster::Person;
use crate::context::things::{Device, Right};
use crate::context::{Context, tickets};
use crate::reader::Head;
use crate::windows::Identity;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use model::Value;
use model::source::Outcome;
use sigma::parse::taxonomy::ActionClass;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::net::IpAddr;

/// A day, for counting whole ones.
const DAY_MS: i64 = 86_400_000;

/// What is known about one event.
pub(super) struct Facts<'f> {
    plan: &'f Plan,
    context: &'f Context,
    at_ms: i64,
    values: &'f [Value<'f>],
    state: Option<&'f mut State>,
    words: RefCell<&'f mut Words>,
    action: OnceCell<Action>,
    outcome: OnceCell<Outcome>,
    origin: OnceCell<Origin>,
    actor_word: OnceCell<Option<Word>>,
    actor: OnceCell<Actor<'f>>,
    duty: OnceCell<Option<Duty>>,
    /// What the target is known by, where there is one: several ask for it, and it is hashed each time.
    target: OnceCell<Option<Identity>>,
    /// The names of the target and its label, which have to be looked for each time.
    target_names: OnceCell<[Option<Name>; 2]>,
    /// For how many targets the actor has used the ticket by now.
    targets_used: Option<u8>,
    verdict: OnceCell<Option<TicketVerdict>>,
}

/// Who acted.
#[derive(Debug, Clone, Copy)]
struct Actor<'f> {
    /// The identifier in the event, if any table has it.
    named: Option<Name>,
    /// The identifier in the roster, and what stands there.
    person: Option<(Name, &'f Person)>,
    is_service: bool,
}

impl<'f> Facts<'f> {
    pub(super) fn new(
        plan: &'f Plan,
        context: &'f Context,
        words: &'f mut Words,
        head: &Head<'_>,
        values: &'f [Value<'f>],
        state: Option<&'f mut State>,
    ) -> Self {
        Self {
            plan,
            context,
            at_ms: head.time.ms(),
            values,
            state,
            words: RefCell::new(words),
            action: OnceCell::new(),
            outcome: OnceCell::new(),
            origin: OnceCell::new(),
            actor_word: OnceCell::new(),
            actor: OnceCell::new(),
            duty: OnceCell::new(),
            target: OnceCell::new(),
            target_names: OnceCell::new(),
            targets_used: None,
            verdict: OnceCell::new(),
        }
    }

    /// The value of `field`.
    pub(super) fn value(&mut self, field: Field) -> Computed<'f> {
        match field {
            Field::Family => self.class().family().into(),
            Field::Sensitive => self.class().is_sensitive().into(),
            Field::Sensitivity => self.class().sensitivity().into(),
            Field::ActorKnown => (!self.context.roster.rows().is_empty()).then(|| self.actor().person.is_some()).into(),
            Field::ActorRole => self.of_person(|it| it.role),
            Field::ActorTeam => self.of_person(|it| it.team),
            Field::ActorManager => self.of_person(|it| it.manager),
            Field::ActorEmployment => self.of_person(|it| it.employment),
            Field::ActorService => self.actor().is_service.into(),
            Field::ActorOnNotice => self.is_on_notice().into(),
            Field::ActorLastDay => self.person(|it| it.last_day_ms.0 <= self.at_ms).map(|it| it && !self.has_left()).into(),
            Field::ActorLeft => self.person(|_| self.has_left()).into(),
            Field::ActorTenureDays => self.tenure_days(),
            Field::ShiftOnDuty => self.on_duty(),
            Field::ShiftReason => self.duty().map(Duty::reason).into(),
            Field::TicketNeeded => self.needs_ticket().into(),
            Field::TicketVerdict => self.ticket_verdict().map(TicketVerdict::as_str).into(),
            Field::TicketTargets => match self.targets_used() {
                0 => Computed::Absent,
                count => Computed::Count(count.into()),
            },
            Field::EntitlementOk => self.rights(|it| it.next().is_some()).into(),
            Field::PurposeOk => self.serves_purpose().into(),
            Field::TargetWatchlist => self.is_watched().into(),
            Field::TargetTier => {
                let watched = self.context.things.watched(self.target(), self.at_ms);
                watched.and_then(|it| self.context.names.text(it.tier)).into()
            }
            Field::TargetRelation => self.relation().into(),
            Field::DeviceKnown => self.knows_device().into(),
            Field::DeviceOwn => self.device().filter(|it| it.owner.is_some()).map(|it| self.is_actor(it.owner)).into(),
            Field::DeviceManaged => self.device().and_then(|it| it.managed).into(),
            Field::DeviceEncrypted => self.device().and_then(|it| it.encrypted).into(),
            Field::DevicePatched => self.device().and_then(|it| it.patched).into(),
            Field::NetworkCorporate => self.address().map(|_| self.origin().listed.is_some()).into(),
            // Read from the profile, by whom has it; and where the target is kept.
            Field::Habit(_) | Field::OfTarget(_) => Computed::Absent,
            Field::NetworkName => self.origin().listed.and_then(|it| self.context.names.text(it)).into(),
        }
    }

    /// The text of a role; empty without one.
    #[inline]
    fn text(&self, input: Input) -> Cow<'f, str> {
        match self.plan.input(input, self.values) {
            Value::Text(text) => Cow::Borrowed(text),
            other => other.text().unwrap_or_default(),
        }
    }

    /// What a role's text that comes again is known by; `None` without a text.
    fn word(&self, input: Input) -> Option<Word> {
        let word = |text: &str| self.words.borrow_mut().word(text, self.context);
        match self.plan.input(input, self.values) {
            Value::Text(text) => (!text.is_empty()).then(|| word(text)),
            other => other.text().filter(|it| !it.is_empty()).map(|it| word(&it)),
        }
    }

    /// The name of a role's text that comes again: [`Name::NONE`] without a text, `None` for one that no table has.
    fn name(&self, input: Input) -> Option<Name> {
        self.word(input).map_or(Some(Name::NONE), |it| it.name)
    }

    fn outcome(&self) -> Outcome {
        *self.outcome.get_or_init(|| {
            let text = self.plan.input(Input::Outcome, self.values).text();
            let known = text.map(|it| self.words.borrow_mut().outcome(&it, self.plan.outcomes()));
            known.unwrap_or_else(|| self.plan.outcomes().read(None))
        })
    }

    /// The identity of a role's text; `None` without a text.
    fn identity(&self, input: Input) -> Option<Identity> {
        match input {
            Input::Target => *self.target.get_or_init(|| {
                let text = self.text(input);
                (!text.is_empty()).then(|| Identity::of([&*text]))
            }),
            Input::Actor => self.actor_word().map(|it| it.identity),
            Input::Action => self.action().identity,
            _ => self.word(input).map(|it| it.identity),
        }
    }

    /// What the actor's identifier is known by, which is asked for more often than any other word.
    fn actor_word(&self) -> Option<Word> {
        *self.actor_word.get_or_init(|| self.word(Input::Actor))
    }

    fn action(&self) -> Action {
        *self.action.get_or_init(|| self.words.borrow_mut().action(&self.text(Input::Action), self.context))
    }

    fn class(&self) -> ActionClass {
        self.action().class
    }

    fn actor(&self) -> Actor<'f> {
        *self.actor.get_or_init(|| {
            let named = self.actor_word().and_then(|it| it.name).filter(|it| it.is_some());
            let person = named.and_then(|it| self.context.roster.person(it, self.at_ms));
            let is_service = self.text(Input::ActorType).eq_ignore_ascii_case("service")
                || named.is_some_and(|it| self.context.is_listed_service(it))
                || person.is_some_and(|(_, it)| self.context.names.get(it.employment).eq_ignore_ascii_case("service"));
            Actor { named, person, is_service }
        })
    }

    fn is_actor(&self, name: Name) -> bool {
        let Actor { named, person, .. } = self.actor();
        named == Some(name) || person.is_some_and(|it| it.0 == name)
    }

    /// Something about the actor; `None` for somebody who is not in the roster.
    fn person<T>(&self, ask: impl FnOnce(&Person) -> T) -> Option<T> {
        self.actor().person.map(|(_, it)| ask(it))
    }

    fn of_person(&self, ask: impl FnOnce(&Person) -> Name) -> Computed<'f> {
        self.person(ask).and_then(|it| self.context.names.text(it)).into()
    }

    fn is_on_notice(&self) -> Option<bool> {
        let listed = self.actor().named.map(|it| self.context.is_listed_leaver(it));
        let in_roster = self.person(|it| it.notice_ms <= self.at_ms && self.at_ms < it.last_day_ms.1);
        match (listed, in_roster) {
            (Some(true), _) => Some(true),
            (_, Some(on_notice)) => Some(on_notice),
            _ => self.context.has_lists().1.then_some(false),
        }
    }

    /// Whether the last day is over, and so is a shift that began on it.
    fn has_left(&self) -> bool {
        let is_past = self.person(|it| it.last_day_ms.1 <= self.at_ms).unwrap_or(false);
        is_past && self.duty().is_none_or(|it| it == Duty::Left)
    }

    fn tenure_days(&self) -> Computed<'f> {
        let begun = self.person(|it| it.start_ms).filter(|it| *it != i64::MIN);
        let days = begun.and_then(|it| u64::try_from((self.at_ms - it).div_euclid(DAY_MS)).ok());
        days.map_or(Computed::Absent, Computed::Count)
    }

    fn on_duty(&self) -> Computed<'f> {
        match self.duty().map(Duty::is_on) {
            None => Computed::Absent,
            Some(Some(is_on)) => Computed::Flag(is_on),
            Some(None) => Computed::Text("unknown"),
        }
    }

    /// Whether the actor is on duty, on the clocks where the actor is. Service accounts never are, nor is anybody where no hours are known.
    fn duty(&self) -> Option<Duty> {
        *self.duty.get_or_init(|| {
            let (context, Actor { named, person, is_service }) = (self.context, self.actor());
            let is_known =
                !context.calendar.is_empty() || person.is_some_and(|(_, it)| it.start_ms > i64::MIN || it.last_day_ms.1 < i64::MAX);
            if is_service || !is_known {
                return None;
            }
            let actor = person.map(|it| it.0).or(named).unwrap_or(Name::NONE);
            let zone_of = |id| context.zones.get(id).clone();
            Some(context.calendar.duty(actor, person.map(|it| it.1), self.at_ms, &self.zone(), zone_of))
        })
    }

    /// The zone of the clocks where the actor is: as the event says, else as the roster does, else UTC.
    fn zone(&self) -> TimeZone {
        let of_event = Some(self.text(Input::Zone))
            .filter(|it| !it.is_empty())
            .and_then(|it| self.words.borrow_mut().zone(it.trim(), self.context));
        of_event.unwrap_or_else(|| self.actor().person.map_or(TimeZone::UTC, |(_, it)| self.context.zones.get(it.zone).clone()))
    }

    /// How far the clocks of [`Self::zone`] are from UTC.
    fn offset(&self, at: Timestamp) -> Offset {
        let of_event = Some(self.text(Input::Zone))
            .filter(|it| !it.is_empty())
            .and_then(|it| self.words.borrow_mut().offset(it.trim(), at, self.context));
        of_event.unwrap_or_else(|| {
            let of_roster = self.actor().person.map(|it| self.context.zones.get(it.1.zone));
            of_roster.unwrap_or(&TimeZone::UTC).to_offset(at)
        })
    }

    /// The role of the actor: from the roster, else from the event.
    fn role(&self) -> Option<Name> {
        let in_roster = self.person(|it| it.role).filter(|it| it.is_some());
        in_roster.or_else(|| self.name(Input::ActorRole)).filter(|it| it.is_some())
    }

    /// Whether `action` is what was done.
    pub(super) fn is_action(&self, action: &str) -> bool {
        self.text(Input::Action) == action
    }

    /// Asks the rights of the actor's role that are about the action; `None` if nothing is said about the role.
    fn rights<T>(&self, ask: impl FnOnce(&mut dyn Iterator<Item = &'f Right>) -> T) -> Option<T> {
        if self.context.things.entitlements.rows().is_empty() {
            return None;
        }
        let action = self.text(Input::Action);
        let mut rights = self.context.things.entitlements.of(self.role()?, self.name(Input::Tool), &action, self.at_ms)?;
        Some(ask(&mut rights))
    }

    fn needs_ticket(&self) -> bool {
        if self.actor().is_service {
            return false;
        }
        // Where one right needs none, work is done without.
        let by_right = self.rights(|it| it.filter_map(|it| it.ticket).reduce(|one, other| one && other)).flatten();
        by_right.unwrap_or_else(|| self.class().needs_ticket)
    }

    /// The names of the target and its label: [`Name::NONE`] without one, `None` for one that no table has.
    fn target(&self) -> [Option<Name>; 2] {
        *self.target_names.get_or_init(|| [Input::Target, Input::TargetLabel].map(|it| self.context.names.find(&self.text(it))))
    }

    /// What is to be said of the event's ticket. Nothing is said of an action that needs none and names none, or could not do harm anyway;
    /// nor of a ticket where none are known, but that it is used for too many targets.
    fn ticket_verdict(&mut self) -> Option<TicketVerdict> {
        if let Some(known) = self.verdict.get() {
            return *known;
        }
        let verdict = self.judged_ticket();
        *self.verdict.get_or_init(|| verdict)
    }

    fn judged_ticket(&mut self) -> Option<TicketVerdict> {
        let ticket = self.text(Input::Ticket);
        // The count goes on whatever is said.
        let targets_used = self.targets_used();
        let is_needed = self.needs_ticket();
        if ticket.trim().is_empty() {
            return is_needed.then_some(TicketVerdict::Missing);
        }
        if !is_needed && (self.actor().is_service || !self.class().may_harm()) {
            return None;
        }
        let (context, rules) = (self.context, &self.context.taxonomy.ticket_rules);
        if context.tickets.is_empty() {
            return (targets_used > rules.targets_max).then_some(TicketVerdict::Reused);
        }
        let Actor { named, person, .. } = self.actor();
        let deed = Deed {
            at_ms: self.at_ms,
            actor: [named, person.map(|it| it.0)],
            team: person.map_or(Name::NONE, |(_, it)| it.team),
            target: self.target(),
            targets_used,
        };
        let ticket = tickets::identified(&ticket, |it| context.names.find(it));
        Some(context.tickets.verdict(ticket, &deed, rules))
    }

    /// For how many targets the actor has used the event's ticket by now, this one included; 0 without a ticket, a target or a memory.
    fn targets_used(&mut self) -> u8 {
        if let Some(known) = self.targets_used {
            return known;
        }
        let ticket = self.text(Input::Ticket);
        let target = self.identity(Input::Target).filter(|_| !ticket.trim().is_empty());
        let actor = self.identity(Input::Actor).unwrap_or_else(|| Identity::of([""]));
        let used = match (&mut self.state, target) {
            (Some(state), Some(target)) => {
                let key = tickets::identified(&ticket, |it| actor.then(it));
                state.tickets.used(key, target, self.at_ms)
            }
            _ => 0,
        };
        self.targets_used = Some(used);
        used
    }

    /// Whether the actor's role has a purpose that the data set, or the tool, is for; `None` if nothing is said about one of them.
    fn serves_purpose(&self) -> Option<bool> {
        let purposes = self.context.things.purposes(self.name(Input::Dataset), self.name(Input::Tool))?;
        self.rights(|rights| {
            let mut is_stated = false;
            let serves = rights.flat_map(|it| &it.purposes).any(|it| {
                is_stated = true;
                purposes.contains(it)
            });
            is_stated.then_some(serves)
        })?
    }

    fn is_watched(&self) -> Option<bool> {
        let things = &self.context.things;
        let is_known = things.sizes().0 > 0 && self.target().iter().any(|it| *it != Some(Name::NONE));
        is_known.then(|| things.watched(self.target(), self.at_ms).is_some())
    }

    /// Who the owner of the target is to the actor; of several owners the nearest.
    fn relation(&self) -> Option<&'static str> {
        let (roster, at_ms) = (&self.context.roster, self.at_ms);
        let has_target = self.plan.input(Input::Target, self.values).is_present();
        let (actor, person) = self.actor().person.filter(|_| has_target && roster.knows_accounts())?;
        let [target, _] = self.target();
        let owners = target.filter(|it| it.is_some()).map_or(&[][..], |it| roster.owners(it));
        let relation = |owner: &Name| {
            if *owner == actor {
                return 0;
            }
            let other = roster.person(*owner, at_ms).map(|it| it.1);
            match other {
                _ if person.manager == *owner => 1,
                Some(other) if other.manager == actor => 2,
                Some(other) if other.team.is_some() && other.team == person.team => 3,
                _ => 4,
            }
        };
        let nearest = owners.iter().map(relation).min().unwrap_or(sigma::computed::RELATIONS.len() - 1);
        Some(sigma::computed::RELATIONS[nearest])
    }

    fn device(&self) -> Option<&'f Device> {
        self.context.things.device(self.name(Input::Device), self.at_ms)
    }

    fn knows_device(&self) -> Option<bool> {
        let has_device = self.name(Input::Device) != Some(Name::NONE);
        (has_device && self.context.things.sizes().1 > 0).then(|| self.device().is_some())
    }

    /// The address that the event came from; `None` where no corporate networks are known.
    fn address(&self) -> Option<IpAddr> {
        self.origin().address.filter(|_| !self.context.networks.is_empty())
    }

    /// Where the event came from.
    fn origin(&self) -> Origin {
        *self.origin.get_or_init(|| {
            let text = self.text(Input::Ip);
            self.words.borrow_mut().origin(&text, || Origin::of(&text, self.context))
        })
    }
}
