//! What the small case of the command's own tests is too small for.

use super::calibration::{Calibration, Circumstance};
use super::measure::median;

#[test]
fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
    assert_eq!(median(vec![]), None);
    assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
}

#[test]
fn p_values_that_are_what_they_say_have_a_ratio_of_one_and_halved_ones_of_two() {
    let mut calibration = Calibration::default();
    for at in 1..=1_000 {
        let p = f64::from(at) / 1_000.0;
        let circumstance = |role, is_new| Some(Circumstance { role, hour: i64::from(at % 2), is_new });
        calibration.add("honest", p, circumstance("t1", false));
        calibration.add("anxious", p / 2.0, circumstance("t2", true));
    }
    let table = calibration.table().expect("there are scores");
    let row = |name: &str| table.rows.iter().find(|it| it.name == name).expect("the slice is there");
    assert_eq!(row("all").events, 2_000);
    // 100 and 200 of 1,000 each at 1e-1, 10 and 20 at 1e-2; at 1e-3 two are expected, which says nothing.
    assert_eq!(row("all").observed_by_nominal, vec![Some(1.5), Some(1.5), None, None, None]);
    assert_eq!(row("role t1").observed_by_nominal[..2], [Some(1.0), Some(1.0)]);
    assert_eq!(row("role t2").observed_by_nominal[..2], [Some(2.0), Some(2.0)]);
    assert_eq!(row("first 7 days"), &super::calibration::Row { name: "first 7 days".to_owned(), ..row("role t2").clone() });
    assert_eq!(row("hour 00 UTC").events, 1_000);
    // With two people the first of ten deciles is nobody, and the last one of them.
    assert_eq!((row("activity decile 1").events, row("activity decile 10").events), (0, 1_000));
}

#[test]
fn without_scores_there_is_no_table() {
    assert_eq!(Calibration::default().table(), None);
}
