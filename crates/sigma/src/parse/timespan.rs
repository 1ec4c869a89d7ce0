//! Timespans: a whole number and a unit (specification 2.1, "Time Selection", and the units that other tools add).

/// A timespan such as `90m` in milliseconds. A month `M` counts as 30 days, a year `y` as 365. `None` if it is none, or zero, or beyond what fits.
pub(crate) fn timespan_ms(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let number = &text[..text.len() - unit.len_utf8()];
    let unit_ms = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        'w' => 7 * 86_400_000,
        'M' => 30 * 86_400_000,
        'y' => 365 * 86_400_000,
        _ => return None,
    };
    let count = Some(number).filter(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))?;
    count.parse::<i64>().ok()?.checked_mul(unit_ms).filter(|&it| it > 0)
}

#[cfg(test)]
mod tests {
    use super::timespan_ms;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(timespan_ms(text), expected, "{text}");
    }

    #[test]
    fn timespans_are_a_number_and_a_unit() {
        check("30s", Some(30_000));
        check("90m", Some(5_400_000));
        check("1h", Some(3_600_000));
        check("2d", Some(172_800_000));
        check("1w", Some(604_800_000));
        check("1M", Some(2_592_000_000));
        check("1y", Some(31_536_000_000));
    }

    #[test]
    fn anything_else_is_no_timespan() {
        for text in
            ["", "m", "10", "10 m", "1.5h", "-1h", "+1h", "0s", "10x", "10ß", "9999999999999999999s", "9223372036854775807y"]
        {
            check(text, None);
        }
    }
}
