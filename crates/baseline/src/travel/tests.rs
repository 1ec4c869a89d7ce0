//! Travel: distances that are known, and who is surprising.

use super::{Fix, Place, Speeds, Travel};
use crate::Share;

const DUBLIN: [f64; 2] = [53.3498, -6.2603];
const LONDON: [f64; 2] = [51.5074, -0.1278];
const SYDNEY: [f64; 2] = [-33.8688, 151.2093];

fn fix(at: [f64; 2], hour: f64) -> Fix {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small hours")]
    let minute = 1_000_000 + (hour * 60.0) as u32;
    Fix { place: Place::new(at[0], at[1]).unwrap(), minute }
}

#[test]
fn distances_are_those_of_the_map() {
    let km = |a: [f64; 2], b: [f64; 2]| fix(a, 0.0).place.distance_km(fix(b, 0.0).place);
    for (a, b, expected) in [(DUBLIN, LONDON, 463.5), (LONDON, SYDNEY, 16_994.0), (DUBLIN, DUBLIN, 0.0)] {
        assert!((km(a, b) - expected).abs() < 0.003 * expected + 0.01, "{}", km(a, b));
    }
    assert!((km([0.0, 179.9], [0.0, -179.9]) - 22.2).abs() < 0.1, "across the date line");
    assert!((km([90.0, 0.0], [-90.0, 77.0]) - 20_015.0).abs() < 1.0, "from pole to pole");
    assert_eq!((Place::new(90.1, 0.0), Place::new(f64::NAN, 0.0)), (None, None));
}

#[test]
fn sydney_an_hour_after_dublin_is_not_a_flight() {
    let (mut travel, speeds) = (Travel::default(), Speeds::default());
    assert_eq!(travel.hop(fix(DUBLIN, 0.0), 25.0), None, "nowhere yet");
    travel.learn(fix(DUBLIN, 0.0), 25.0);
    let flight = travel.hop(fix(LONDON, 3.0), 25.0).unwrap();
    let stolen = travel.hop(fix(SYDNEY, 1.0), 25.0).unwrap();
    assert!((flight.speed() - 154.5).abs() < 1.0 && stolen.speed() > 15_000.0);
    assert!(speeds.as_fast(flight).surprise() < 1.5 && speeds.as_fast(stolen).surprise() > 3.5);
}

#[test]
fn two_exits_used_in_turn_are_known_after_the_first_time() {
    let mut travel = Travel::default();
    travel.learn(fix(DUBLIN, 0.0), 25.0);
    assert!(travel.hop(fix(LONDON, 0.1), 25.0).is_some());
    travel.learn(fix(LONDON, 0.1), 25.0);
    for turn in 1..10 {
        let to = fix(if turn % 2 == 0 { LONDON } else { DUBLIN }, f64::from(turn));
        assert_eq!(travel.hop(to, 25.0), None);
        travel.learn(to, 25.0);
    }
    assert!(travel.hop(fix(SYDNEY, 9.5), 25.0).is_some());
}

#[test]
fn nearer_than_the_map_can_tell_is_no_way() {
    let mut travel = Travel::default();
    travel.learn(fix(DUBLIN, 0.0), 25.0);
    assert_eq!(travel.hop(fix([53.35, -6.9], 0.0), 25.0), None);
    assert_eq!(travel.hop(fix(LONDON, 0.0), 300.0), None);
}

#[test]
fn a_group_that_flies_is_not_surprised_by_flights() {
    let mut speeds = Speeds::default();
    let mut travel = Travel::default();
    travel.learn(fix(DUBLIN, 0.0), 25.0);
    let hop = travel.hop(fix(LONDON, 1.0), 25.0).unwrap();
    let before = speeds.as_fast(hop);
    (0..200).for_each(|_| speeds.learn(hop, Share::ONE));
    assert!(before.surprise() > 1.5 && speeds.as_fast(hop).surprise() < 0.1);
    let rest = postcard::from_bytes::<(Speeds, Travel)>(&postcard::to_stdvec(&(speeds, travel)).unwrap()).unwrap();
    assert_eq!(rest, (speeds, travel));
    speeds.decay(Share::ZERO);
    assert_eq!(speeds, Speeds::default());
}
