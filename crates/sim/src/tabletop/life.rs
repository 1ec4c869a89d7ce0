//! The stream of one person in a tabletop exercise: the pieces of work of each duty, the page at night, and what people get wrong.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp1};

use super::World;
use super::duty::Duty;
use super::ledger::Ledger;
use crate::act::{Act, ActorIndex, Device, Extra, Session, Subject, Ticket};
use crate::company::Person;
use crate::habits::{Work, answer_page, next_case, rhythm_s};
use crate::seed;
use crate::shared::Shared;
use crate::vocabulary::{Action, Role, Tool};

const MINUTE_MS: i64 = 60_000;
/// Shortest pause between two pieces of work.
const GAP_MIN_MS: i64 = 15_000;
/// Days in which a new colleague still lacks rights.
const NEW_DAYS: i32 = 3;
/// Share of pieces of work under a ticket whose number is mistyped.
const MISTYPED: f64 = 0.002;
/// Share of pieces of work after which the new assistant is asked something.
const ASKS: f64 = 0.15;
/// How busy people are in relation to the demo: so many tickets as one has who also talks to customers.
const ACTIVITY: f64 = 0.3;

/// The stream of one person.
#[derive(Debug)]
pub(super) struct Life {
    index: usize,
    rng: ChaCha8Rng,
    /// Local date, counted from the first day of the exercise.
    day: i32,
    /// The time of the previous event.
    last_ms: i64,
    stint: Option<Stint>,
    page_ms: Option<i64>,
}

/// What is left of one shift.
#[derive(Debug)]
struct Stint {
    now_ms: i64,
    end_ms: i64,
    lunch_ms: Option<(i64, i64)>,
    session: Session,
    /// Mean pause between two pieces of work.
    gap_ms: f64,
}

impl Life {
    pub(super) fn new(world: &World, index: usize) -> Self {
        let rng = seed::stream(world.company.config.seed, index as u64);
        // The evening and night before the first day belong to the first hours east and west of Greenwich.
        Self { index, rng, day: -2, last_ms: i64::MIN, stint: None, page_ms: None }
    }

    /// Appends the next events, in time order; nothing when all days are over.
    pub(super) fn refill(&mut self, world: &World, shared: &mut Shared, ledger: &mut Ledger, out: &mut Vec<Act>) {
        while out.is_empty() {
            if let Some(stint) = self.stint.take() {
                self.stint = self.work_on(stint, world, shared, ledger, out);
            } else if let Some(page_ms) = self.page_ms.take() {
                self.answer_page(page_ms, world, shared, ledger, out);
            } else if self.day <= world.calendar.days {
                self.day += 1;
                self.start_day(world, shared, out);
            } else {
                return;
            }
        }
        out.sort_by_key(|it| it.at_ms);
        self.last_ms = out.last().map_or(self.last_ms, |it| it.at_ms);
    }

    fn start_day(&mut self, world: &World, shared: &mut Shared, out: &mut Vec<Act>) {
        let person = world.person_on(self.index, self.day);
        let is_away = world.ways[self.index].leave_on(self.day).is_some();
        if world.is_on_call(self.index, self.day) && !is_away {
            let night_ms = world.local_ms(self.index, self.day, self.rng.random_range(22 * 60..28 * 60));
            self.page_ms = self.rng.random_bool(0.3).then_some(night_ms);
        }
        let Some(duty) = world.duty(self.index, self.day) else { return };
        let mut stint = Self::stint_of(&duty, person);
        stint.now_ms = stint.now_ms.max(self.last_ms.saturating_add(MINUTE_MS));
        let is_first_day = self.day == person.joins_day && person.joins_day > 0;
        let mut work = self.work(&stint, world, person, shared, out);
        work.sign_in();
        arrive(&mut work, is_first_day);
        stint.now_ms = work.at_ms;
        self.stint = Some(stint);
    }

    fn stint_of(duty: &Duty, person: &Person) -> Stint {
        let (pause_s, length_s) = rhythm_s(person.role);
        Stint {
            now_ms: duty.start_ms,
            end_ms: duty.end_ms,
            lunch_ms: Some(duty.lunch_ms),
            session: duty.session,
            gap_ms: ((pause_s + length_s) / (duty.load * ACTIVITY) - length_s).max(10.0) * 1_000.0,
        }
    }

    /// One piece of work, or lunch. Gives back what is left of the shift.
    fn work_on(
        &mut self,
        mut stint: Stint,
        world: &World,
        shared: &mut Shared,
        ledger: &mut Ledger,
        out: &mut Vec<Act>,
    ) -> Option<Stint> {
        let person = world.person_on(self.index, self.day);
        let unit: f64 = Exp1.sample(&mut self.rng);
        stint.now_ms += GAP_MIN_MS + (unit.min(6.0) * stint.gap_ms) as i64;
        if let Some((_, lunch_end_ms)) = stint.lunch_ms.take_if(|it| it.0 <= stint.now_ms) {
            stint.now_ms = stint.now_ms.max(lunch_end_ms);
            if self.rng.random_bool(0.35) {
                let mut work = self.work(&stint, world, person, shared, out);
                work.sign_in();
                stint.now_ms = work.at_ms;
                return Some(stint);
            }
        }
        if stint.now_ms >= stint.end_ms {
            return None;
        }
        let asks = self.day >= world.calendar.new_tool_day && self.rng.random_bool(ASKS);
        let mut work = self.work(&stint, world, person, shared, out);
        next_case(&mut work);
        if asks {
            work.act(Action::AssistantAsk, Tool::Assistant, Subject::Nothing, None, Extra::Nothing);
        }
        stint.now_ms = work.at_ms;
        self.note_tickets(world, shared, ledger, out);
        Some(stint)
    }

    fn answer_page(&mut self, page_ms: i64, world: &World, shared: &mut Shared, ledger: &mut Ledger, out: &mut Vec<Act>) {
        let person = world.person_on(self.index, self.day);
        let place = world.place(self.index, self.day, true);
        let now_ms = page_ms.max(self.last_ms.saturating_add(10 * MINUTE_MS));
        let session = Session { id: shared.session_id(), auth: person.auth, place };
        let stint = Stint { now_ms, end_ms: page_ms, lunch_ms: None, session, gap_ms: 0.0 };
        // The incident was noticed in the ten minutes before.
        self.last_ms = self.last_ms.max(now_ms - 10 * MINUTE_MS);
        answer_page(&mut self.work(&stint, world, person, shared, out));
        self.note_tickets(world, shared, ledger, out);
    }

    /// Enters the tickets of a piece of work into the table; afterwards, now and then, their number turns out to be mistyped in the events.
    fn note_tickets(&mut self, world: &World, shared: &mut Shared, ledger: &mut Ledger, out: &mut [Act]) {
        let actor = ActorIndex(self.index as u32);
        ledger.add_work(&world.company, shared, actor, out);
        if !self.rng.random_bool(MISTYPED) {
            return;
        }
        // A wrong digit in one of the last places.
        let slip = 2 * [1, 10, 100, 1_000][self.rng.random_range(0..4)];
        for act in out.iter_mut().filter(|it| it.actor == actor) {
            act.ticket = act.ticket.map(|it| Ticket { number: it.number + slip, ..it });
        }
    }

    fn work<'a>(
        &'a mut self,
        stint: &Stint,
        world: &'a World,
        person: &'a Person,
        shared: &'a mut Shared,
        out: &'a mut Vec<Act>,
    ) -> Work<'a> {
        Work {
            company: &world.company,
            shared,
            rng: &mut self.rng,
            out,
            actor: ActorIndex(self.index as u32),
            person,
            session: stint.session,
            free_from_ms: self.last_ms.max(stint.now_ms - 60 * MINUTE_MS),
            at_ms: stint.now_ms,
            is_new: person.joins_day > 0 && self.day < person.joins_day + NEW_DAYS,
        }
    }
}

/// What may happen at the start of a day besides work.
fn arrive(work: &mut Work<'_>, is_first_day: bool) {
    if is_first_day || work.chance(0.001) {
        work.act(Action::MfaEnroll, Tool::Idp, Subject::Nothing, None, Extra::Nothing);
    }
    if work.chance(0.003) {
        work.act(Action::SecurityReport, Tool::Idp, Subject::Nothing, None, Extra::Report("phishing_mail"));
    }
    let is_support = matches!(work.person.role, Role::SupportT1 | Role::SupportT2);
    if is_support && work.chance(0.004) {
        let laptop = work.session;
        let device = Device::Phone(work.person.device);
        work.session = Session { id: work.shared.session_id(), place: crate::act::Place { device, ..laptop.place }, ..laptop };
        work.act(Action::Login, Tool::Idp, Subject::Nothing, None, Extra::Nothing);
        work.act(Action::AccountSearch, Tool::AgentConsole, Subject::Nothing, None, Extra::Nothing);
        work.session = laptop;
    }
}
