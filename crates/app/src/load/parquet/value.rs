//! Values of Parquet as they would stand in a CSV file: days, instants and times of day in words, numbers in digits.

use model::EventTime;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value as Json;

/// What the values of a column mean, by the annotations of the format ("Parquet Logical Type Definitions").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, truth values, texts.
    Plain,
    /// Integers of so many bits without a sign.
    Unsigned(u32),
    /// Days since the epoch.
    Day,
    /// A time of day, in so many units a second.
    Clock(i64),
    /// An instant, in so many units a second since the epoch. One without a zone is taken to be of UTC.
    Instant(i64),
    /// Whole numbers with so many decimal places.
    Decimal(u32),
    /// Sixteen bytes.
    Uuid,
    /// Two bytes of a number, which nobody uses for what tables say.
    Half,
}

const MS_PER_DAY: i64 = 86_400_000;
/// From the year 1 to 9999, which is what a date in a text can say.
const DATES_MS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

impl Kind {
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let per_second = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        };
        let places = |scale: i32| Self::Decimal(u32::try_from(scale).unwrap_or(0));
        match column.logical_type_ref() {
            Some(LogicalType::Date) => Self::Day,
            Some(LogicalType::Time(it)) => Self::Clock(per_second(&it.unit)),
            Some(LogicalType::Timestamp(it)) => Self::Instant(per_second(&it.unit)),
            Some(LogicalType::Integer(it)) if !it.is_signed => Self::Unsigned(it.bit_width.unsigned_abs().into()),
            Some(LogicalType::Decimal(it)) => places(it.scale),
            Some(LogicalType::Uuid) => Self::Uuid,
            Some(LogicalType::Float16) => Self::Half,
            Some(_) => Self::Plain,
            None => match column.converted_type() {
                ConvertedType::DATE => Self::Day,
                ConvertedType::TIME_MILLIS => Self::Clock(1_000),
                ConvertedType::TIME_MICROS => Self::Clock(1_000_000),
                ConvertedType::TIMESTAMP_MILLIS => Self::Instant(1_000),
                ConvertedType::TIMESTAMP_MICROS => Self::Instant(1_000_000),
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 => Self::Unsigned(32),
                ConvertedType::UINT_64 => Self::Unsigned(64),
                ConvertedType::DECIMAL => places(column.type_scale()),
                _ => Self::Plain,
            },
        }
    }
}

pub(super) fn of_int(kind: &Kind, number: i64) -> Result<Json, String> {
    match *kind {
        Kind::Day => of_day(number),
        Kind::Clock(per_second) => of_clock(number, per_second),
        // To milliseconds, which is what all times are in.
        Kind::Instant(per_second) => of_instant(number.div_euclid(per_second / 1_000)),
        Kind::Unsigned(bits) if bits < 64 => Ok(Json::from(number & ((1 << bits) - 1))),
        Kind::Unsigned(_) => Ok(Json::from(number.cast_unsigned())),
        Kind::Decimal(places) => Ok(of_decimal(i128::from(number), places)),
        Kind::Plain | Kind::Uuid | Kind::Half => Ok(Json::from(number)),
    }
}

fn of_day(days: i64) -> Result<Json, String> {
    let Json::String(mut text) = of_instant(days.saturating_mul(MS_PER_DAY))? else { return Ok(Json::Null) };
    text.truncate("2026-03-02".len());
    Ok(Json::String(text))
}

/// An instant in milliseconds since the epoch.
pub(super) fn of_instant(ms: i64) -> Result<Json, String> {
    if !DATES_MS.contains(&ms) {
        return Err(format!("{ms} ms since the epoch is no time between the years 1 and 9999"));
    }
    Ok(Json::String(EventTime::from_ms(ms).to_string()))
}

/// A time of day, 24:00 being the end of it. Seconds are said if there are any.
fn of_clock(number: i64, per_second: i64) -> Result<Json, String> {
    let second = number.div_euclid(per_second);
    if !(0..=86_400).contains(&second) {
        return Err(format!("{second} seconds after midnight is no time of day"));
    }
    let (hours, minutes, seconds) = (second / 3_600, second / 60 % 60, second % 60);
    let seconds = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    Ok(Json::String(format!("{hours:02}:{minutes:02}{seconds}")))
}

/// A whole number has no decimal places: a column of integers in which some are missing is often written as one of floating point.
pub(super) fn of_float(number: f64) -> Json {
    const WHOLE_BELOW: f64 = 9_007_199_254_740_992.0;
    if number.is_nan() {
        return Json::Null;
    }
    if number.fract() == 0.0 && number.abs() < WHOLE_BELOW {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
        let whole = number as i64;
        return Json::from(whole);
    }
    serde_json::Number::from_f64(number).map_or_else(|| Json::String(number.to_string()), Json::Number)
}

pub(super) fn of_bytes(kind: &Kind, bytes: &[u8]) -> Result<Json, String> {
    match *kind {
        Kind::Decimal(places) => match bytes.len() {
            0 => Ok(Json::Null),
            // Big-endian, in two's complement.
            1..=16 => {
                let sign = if bytes[0] >= 0x80 { 0xff } else { 0 };
                let mut number = [sign; 16];
                number[16 - bytes.len()..].copy_from_slice(bytes);
                Ok(of_decimal(i128::from_be_bytes(number), places))
            }
            length => Err(format!("a decimal number of {length} bytes; 16 are read")),
        },
        Kind::Uuid => uuid::Uuid::from_slice(bytes).map(|it| Json::String(it.to_string())).map_err(|error| error.to_string()),
        Kind::Half => Err("numbers of 16 bits are not read".to_owned()),
        _ => std::str::from_utf8(bytes).map(Json::from).map_err(|_| "not UTF-8 text".to_owned()),
    }
}

/// Digits with a point; zeros at the end of the decimal places are left out.
fn of_decimal(number: i128, places: u32) -> Json {
    let places = places.min(76) as usize;
    let (sign, digits) = (if number < 0 { "-" } else { "" }, format!("{:0>1$}", number.unsigned_abs(), places + 1));
    let (whole, part) = digits.split_at(digits.len() - places);
    let part = part.trim_end_matches('0');
    Json::String(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}
