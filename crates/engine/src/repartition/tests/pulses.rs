//! What partitions say of their source comes to what one pulse says that sees all of it in order.

use super::*;
use crate::pulse::{Beat, PulseSettings, Sighting, Standing, Voice, Watch};
use model::{Schema, Value};
use serde_json::json;
use std::collections::BTreeSet;

const MINUTE_MS: i64 = 60_000;
const LATENESS_MS: i64 = 5 * MINUTE_MS;
const PARTITIONS: i32 = 3;
const SOURCE: &str = "native audit-events";

fn mapping() -> SourceMapping {
    let mut mapping = SourceMapping::built_in("native").unwrap();
    let pulse = json!({"stream": ["tool"], "number": ["detail.seq"], "emitter": ["detail.host"], "canary": {"every_s": 300}});
    mapping.pulse = Some(serde_json::from_value(pulse).unwrap());
    mapping
}

fn book() -> Rulebook {
    Rulebook::compile(Vec::new(), &[mapping()], &mut Vec::new())
}

fn settings() -> PulseSettings {
    PulseSettings::new("UTC", Some(300_000)).unwrap()
}

/// An event: its time, its emitter and its number there; a canary has neither.
type Event = (i64, Option<(&'static str, i64)>);

/// Two emitters count, one event a second each for three hours, except for what is lost; a canary every five minutes, but for half an hour.
fn events(seed: u64) -> Vec<Event> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let lost: BTreeSet<i64> = (0..4)
        .flat_map(|_| {
            let from = rng.random_range(60..10_000);
            from..from + rng.random_range(1..40)
        })
        .collect();
    let mut all = Vec::new();
    for second in 0..3 * 3_600 {
        let ms = MONDAY_MS + second * 1_000;
        for (emitter, parity) in [("web-1", 0), ("web-2", 1)] {
            if second % 2 != parity || !lost.contains(&second) {
                all.push((ms, Some((emitter, second))));
            }
        }
        if second % 300 == 7 && !(3_600..5_400).contains(&second) {
            all.push((ms, None));
        }
    }
    all
}

fn note(beat: &mut Beat, schema: &Schema, (ms, what): Event) {
    let Some((emitter, number)) = what else { return beat.canary(ms) };
    let (mut values, number) = (vec![Value::Missing; schema.projection.len()], number.to_string());
    values[schema.pulse.stream[0].index()] = Value::Text("crm");
    values[schema.pulse.number[0].index()] = Value::Number(&number);
    values[schema.pulse.emitter[0].index()] = Value::Text(emitter);
    beat.note(&Sighting::of(&schema.pulse, &values), ms);
}

/// The alerts, each by what it is known by and what it says.
fn texts(alerts: impl IntoIterator<Item = model::Alert>) -> Vec<(String, String)> {
    let mut all: Vec<_> = alerts.into_iter().map(|it| (format!("{} {}", it.rule.name, it.time.ms()), it.message)).collect();
    all.sort();
    all
}

/// All in one, event by event.
fn in_one(events: &[Event], book: &Rulebook, end_ms: i64) -> Vec<(String, String)> {
    let (mut watch, mut out) = (Watch::new(settings(), LATENESS_MS), Vec::new());
    let origin = Origin::new(TOPIC, 0);
    for event in events {
        let mut beat = Beat::default();
        note(&mut beat, &book.programs[0].schema, *event);
        let standing =
            Standing { watermark_ms: event.0 - LATENESS_MS, latest_ms: Some(event.0), clock_ms: event.0, is_idle: false };
        watch.take(&origin, &standing, &beat, &mut out);
    }
    let idle = Standing { watermark_ms: i64::MIN, latest_ms: None, clock_ms: end_ms, is_idle: true };
    watch.take(&origin, &idle, &Beat::default(), &mut out);
    let voice = Voice::of(book, 0);
    texts(out.iter().map(|it| voice.alert(it)))
}

fn station(book: &Rulebook) -> Station {
    let origins = || (0..PARTITIONS).map(|it| Origin::new(TOPIC, it));
    let owner = Owner::new(7, book, WindowLimits::default(), origins());
    let mut station = Station::new(Origin::new("exchange", 0), 1, owner);
    let mut watch = Watch::new(settings(), LATENESS_MS);
    origins().for_each(|it| watch.join(&it));
    let mut pulses = Pulses::default();
    pulses.watch(SOURCE, 0, (settings(), LATENESS_MS), watch);
    station.set_pulses(pulses);
    station
}

/// Partitions say what they have in batches, as it comes; records come again, and the station goes on elsewhere.
struct World {
    book: Rulebook,
    station: Station,
    alerts: Vec<model::Alert>,
    offset: i64,
}

impl World {
    fn accept(&mut self, record: &[u8]) {
        let mut out = Decided::default();
        self.station.accept(&self.book, record, self.offset, &mut out).unwrap();
        self.offset += 1;
        self.alerts.extend(out.alerts.into_iter().map(|it| it.alert));
    }

    fn move_on(&mut self) {
        let bytes = self.station.snapshot(&self.book);
        self.station = station(&self.book).restore(&self.book, WindowLimits::default(), None, &bytes).unwrap();
    }
}

fn apart(events: &[Event], seed: u64, end_ms: i64) -> (Vec<(String, String)>, OwnerStats) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut queues: Vec<Vec<Event>> = (0..PARTITIONS).map(|_| Vec::new()).collect();
    events.iter().for_each(|it| queues[rng.random_range(0..3)].push(*it));
    let book = book();
    let mut world = World { station: station(&book), book, alerts: Vec::new(), offset: 0 };
    let senders: Vec<Sender> = (0..PARTITIONS).map(|_| Sender::new(7, 1)).collect();
    let mut read = [0_usize; 3];
    while (0..3).any(|it| read[it] < queues[it].len()) {
        let at = rng.random_range(0..3);
        let batch = &queues[at][read[at]..(read[at] + rng.random_range(0..900)).min(queues[at].len())];
        let Some(last) = batch.last() else { continue };
        read[at] += batch.len();
        let mut beat = Beat::default();
        batch.iter().for_each(|it| note(&mut beat, &world.book.programs[0].schema, *it));
        let time = EventTime::from_ms(last.0);
        let watermark = time.plus_ms(-LATENESS_MS);
        let progress = Progress { end_offset: i64::try_from(read[at]).unwrap(), watermark, reached: watermark, is_idle: false };
        let standing = Standing { watermark_ms: watermark.ms(), latest_ms: Some(last.0), clock_ms: last.0, is_idle: false };
        let origin = Origin::new(TOPIC, i32::try_from(at).unwrap());
        let records = senders[at].beat(&origin, progress, SOURCE, standing, beat);
        for it in &records {
            world.accept(&it.bytes);
            if world.offset == 1 || rng.random_range(0..8) == 0 {
                world.accept(&it.bytes);
            }
            if rng.random_range(0..20) == 0 {
                world.move_on();
            }
        }
    }
    for partition in 0..PARTITIONS {
        let standing = Standing { watermark_ms: i64::MIN, latest_ms: None, clock_ms: end_ms, is_idle: true };
        let end_offset = i64::try_from(read[usize::try_from(partition).unwrap()]).unwrap();
        let progress = Progress { end_offset, watermark: EventTime::MIN, reached: EventTime::MIN, is_idle: true };
        let sender = &senders[usize::try_from(partition).unwrap()];
        for it in sender.beat(&Origin::new(TOPIC, partition), progress, SOURCE, standing, Beat::default()) {
            world.accept(&it.bytes);
        }
    }
    (texts(world.alerts), world.station.stats())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn numbers_and_canaries_of_a_source_are_followed_over_all_its_partitions(seed in 0_u64..10_000) {
        let events = events(seed);
        let end_ms = events.last().unwrap().0 + 3 * 3_600_000;
        let expected = in_one(&events, &book(), end_ms);
        prop_assert!(expected.iter().any(|it| it.0.starts_with("nightjar.blind.gap")), "{:?}", expected);
        prop_assert!(expected.iter().any(|it| it.0.starts_with("nightjar.blind.canary")), "{:?}", expected);
        let (told, stats) = apart(&events, seed, end_ms);
        prop_assert_eq!(told, expected);
        prop_assert!(stats.merge.repeated > 0, "nothing came again");
    }
}

#[test]
fn a_batch_with_very_many_emitters_is_cut_into_records_that_brokers_take() {
    let schema = &book().programs[0].schema.clone();
    let mut beat = Beat::default();
    for it in 0..4_000 {
        let host = format!("{it:0100}");
        let mut values = vec![Value::Missing; schema.projection.len()];
        values[schema.pulse.stream[0].index()] = Value::Text(&host);
        values[schema.pulse.number[0].index()] = Value::Number("1");
        values[schema.pulse.emitter[0].index()] = Value::Text(&host);
        beat.note(&Sighting::of(&schema.pulse, &values), MONDAY_MS);
    }
    let standing = Standing { watermark_ms: MONDAY_MS, latest_ms: None, clock_ms: MONDAY_MS, is_idle: false };
    let at = EventTime::from_ms(MONDAY_MS);
    let progress = Progress { end_offset: 4_000, watermark: at, reached: at, is_idle: false };
    let records = Sender::new(7, 1).beat(&Origin::new(TOPIC, 0), progress, SOURCE, standing, beat);
    assert!(records.len() > 1 && records.iter().all(|it| it.bytes.len() < PARCEL_BYTES), "{}", records.len());
    let book = book();
    let mut world = World { station: station(&book), book, alerts: Vec::new(), offset: 0 };
    records.iter().for_each(|it| world.accept(&it.bytes));
    records.iter().for_each(|it| world.accept(&it.bytes));
    assert_eq!(world.station.stats().merge.repeated, records.len() as u64);
    let sequence = world.station.pulses().unwrap().stats().next().unwrap().1.sequence;
    assert_eq!(sequence.emitters, 4_000);
}

#[test]
fn what_is_of_others_or_damaged_is_counted_and_changes_nothing() {
    let book = book();
    let mut world = World { station: station(&book), book, alerts: Vec::new(), offset: 0 };
    let standing = Standing { watermark_ms: MONDAY_MS, latest_ms: None, clock_ms: MONDAY_MS, is_idle: false };
    let at = EventTime::from_ms(MONDAY_MS);
    let progress = Progress { end_offset: 1, watermark: at, reached: at, is_idle: false };
    let record = |group: u64, source: &str| {
        Sender::new(group, 1).beat(&Origin::new(TOPIC, 0), progress, source, standing, Beat::default()).remove(0).bytes
    };
    let before = world.station.snapshot(&world.book);
    world.accept(&record(8, SOURCE));
    world.accept(&record(7, "okta other-topic"));
    let stats = world.station.stats();
    assert_eq!((stats.strangers, stats.foreign), (1, 1));
    let good = record(7, SOURCE);
    for end in 4..good.len() {
        assert!(world.station.accept(&world.book, &good[..end], 9, &mut Decided::default()).is_err(), "{end} bytes");
    }
    let again = station(&world.book).restore(&world.book, WindowLimits::default(), None, &before).unwrap();
    assert_eq!(again.pulses().unwrap().stats().next(), world.station.pulses().unwrap().stats().next());
}

#[test]
fn a_station_of_before_there_were_pulses_goes_on_with_new_ones() {
    let book = book();
    let bytes = station(&book).snapshot(&book);
    let mut before = b"NJS1".to_vec();
    // The pulses stand last: their presence is one byte, which the version before did not write.
    let owner = Owner::new(7, &book, WindowLimits::default(), (0..PARTITIONS).map(|it| Origin::new(TOPIC, it)));
    let bare = Station::new(Origin::new("exchange", 0), 1, owner).snapshot(&book);
    before.extend(&bare[4..bare.len() - 1]);
    assert_eq!(bare.last(), Some(&0));
    assert!(bytes.len() > bare.len());
    let restored = station(&book).restore(&book, WindowLimits::default(), None, &before).unwrap();
    assert!(restored.pulses().is_some());
}
