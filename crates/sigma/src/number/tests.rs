use super::*;
use num_bigint::BigInt;
use proptest::prelude::*;

#[track_caller]
fn check(left: &str, right: &str, expected: Ordering) {
    let [left, right] = [left, right].map(|it| Decimal::read(it).unwrap());
    assert_eq!(left.cmp(&right), expected, "{left:?} {right:?}");
    assert_eq!(right.cmp(&left), expected.reverse(), "{right:?} {left:?}");
}

#[test]
fn numbers_of_one_value_are_equal_however_they_are_written() {
    let groups: [&[&str]; 7] = [
        &["0", "-0", "+0", "0.000", ".0", "0e999999999999999999999", "-0e-5", "000"],
        &["5", "5.0", "+5", "005", "5e0", "0.5e1", "50e-1", "500000E-5", " 5 ", "5."],
        &["-0.1", "-.1", "-1e-1", "-0.100", "-10E-2"],
        &["9007199254740993", "9007199254740993.0", "9.007199254740993e15", "9007199254740993000e-3"],
        &["0.1000000000000000055511151231257827", "1000000000000000055511151231257827e-34"],
        &["1e400", "10e399", "0.1e+401"],
        &["1e-400", "0.1e-399"],
    ];
    for group in groups {
        group.iter().flat_map(|a| group.iter().map(move |b| (a, b))).for_each(|(a, b)| check(a, b, Ordering::Equal));
    }
}

#[test]
fn numbers_are_in_order_whatever_a_float_can_tell_apart() {
    let ascending = [
        "-1e99999999999999999999",
        "-1e401",
        "-1e400",
        "-9007199254740993",
        "-9007199254740992.5",
        "-9007199254740992",
        "-1",
        "-1e-400",
        "0",
        "1e-99999999999999999999",
        "1e-401",
        "1e-400",
        "0.09999999999999999999",
        "0.1",
        "0.1000000000000000055511151231257827",
        "0.10000000000000001",
        "1",
        "9007199254740991",
        "9007199254740992",
        "9007199254740992.0000000001",
        "9007199254740993",
        "9007199254740993.00000000000000000000000000001",
        "9007199254740994",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "123456789012345678901234567891",
        "1e308",
        "1e400",
        "1.0000000000000000000000001e400",
        "1e99999999999999999999",
    ];
    for (at, left) in ascending.iter().enumerate() {
        ascending[at + 1..].iter().for_each(|right| check(left, right, Ordering::Less));
    }
}

#[test]
fn words_and_halves_of_numbers_are_none() {
    for text in
        ["", " ", "x", "inf", "-inf", "+Infinity", "nan", "-NaN", "+nan", "-", ".", "1e", "1_000", "0x10", "1,5", "--1", "1 2"]
    {
        assert!(Decimal::read(text).is_none(), "{text}");
    }
}

#[test]
fn a_number_prints_as_it_was_written() {
    assert_eq!(
        ["9007199254740993", "1e3", "1.50"].map(|it| Number::read(it).unwrap().to_string()),
        ["9007199254740993", "1e3", "1.50"]
    );
    assert_eq!(Number::from(i64::MIN).to_string(), "-9223372036854775808");
    assert_eq!(Number::from(-7), Number::read("-7.0").unwrap());
}

/// `digits` with a point `places` from the right and an exponent: the text, and the value times 10^80.
fn written(is_negative: bool, digits: &str, places: usize, exponent: i32) -> (String, BigInt) {
    let places = places % (digits.len() + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if is_negative { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let text = format!("{sign}{whole}{point}{fraction}e{exponent}");
    let shift = usize::try_from(80 + exponent - i32::try_from(places).unwrap()).unwrap();
    (text, format!("{sign}{digits}{}", "0".repeat(shift)).parse().unwrap())
}

proptest! {
    #[test]
    fn numbers_compare_as_big_integers_do(
        left in (any::<bool>(), "[0-9]{1,30}", 0_usize..30, -20..20_i32),
        // Often the same digits but for the last few, so that floats can't tell.
        right in (any::<bool>(), "[0-9]{1,30}", 0_usize..30, -20..20_i32),
        kept in 0_usize..30,
        is_near in any::<bool>(),
    ) {
        let near = format!("{}{}", &left.1[..kept.min(left.1.len())], &right.1[..left.1.len().saturating_sub(kept).min(right.1.len())]);
        let (left_text, left_value) = written(left.0, &left.1, left.2, left.3);
        let (right_text, right_value) = if is_near && !near.is_empty() {
            written(left.0, &near, left.2, left.3)
        } else {
            written(right.0, &right.1, right.2, right.3)
        };
        let [left, right] = [&left_text, &right_text].map(|it| Number::read(it).unwrap());
        prop_assert_eq!(left.cmp(&right), left_value.cmp(&right_value), "{} {}", left_text, right_text);
    }
}
