//! Writes Parquet files for tests.

use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

/// What is in a column.
#[derive(Clone)]
pub(super) enum Cells<'c> {
    Text(Vec<Option<&'c str>>),
    Bytes(Vec<&'c [u8]>),
    Lists(Vec<Vec<&'c str>>),
    /// So many rows with a list of lists.
    ListsOfLists(usize),
    Flags(Vec<Option<bool>>),
    Days(Vec<Option<i32>>),
    /// The unit, and whether they are adjusted to UTC.
    Instants(&'static str, bool, Vec<Option<i64>>),
    /// Minutes of a day, as a time in milliseconds.
    Clocks(Vec<Option<i32>>),
    Whole(Vec<Option<i64>>),
}

impl Cells<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(it) => it.len(),
            Self::Bytes(it) => it.len(),
            Self::Lists(it) => it.len(),
            Self::ListsOfLists(count) => *count,
            Self::Flags(it) => it.len(),
            Self::Days(it) | Self::Clocks(it) => it.len(),
            Self::Instants(.., it) | Self::Whole(it) => it.len(),
        }
    }

    fn schema(&self, name: &str) -> String {
        match self {
            Self::Text(_) => format!("optional binary {name} (STRING);"),
            Self::Bytes(_) => format!("required binary {name};"),
            Self::Lists(_) => {
                format!("optional group {name} (LIST) {{ repeated group list {{ optional binary element (STRING); }} }}")
            }
            Self::ListsOfLists(_) => format!(
                "required group {name} (LIST) {{ repeated group list {{ required group element (LIST) {{ repeated group list {{ required binary element (STRING); }} }} }} }}"
            ),
            Self::Flags(_) => format!("optional boolean {name};"),
            Self::Days(_) => format!("optional int32 {name} (DATE);"),
            Self::Clocks(_) => format!("optional int32 {name} (TIME(MILLIS,false));"),
            Self::Instants(unit, has_zone, _) => format!("optional int64 {name} (TIMESTAMP({unit},{has_zone}));"),
            Self::Whole(_) => format!("optional int64 {name};"),
        }
    }

    fn write(&self, rows: std::ops::Range<usize>, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) {
        match self {
            Self::Text(it) => optional::<ByteArrayType>(group, it[rows].iter().map(|it| it.map(ByteArray::from))),
            Self::Bytes(it) => {
                let values: Vec<ByteArray> = it[rows].iter().map(|it| ByteArray::from(it.to_vec())).collect();
                levels::<ByteArrayType>(group, &values, &[], &[]);
            }
            Self::Flags(it) => optional::<BoolType>(group, it[rows].iter().copied()),
            Self::Days(it) => optional::<Int32Type>(group, it[rows].iter().copied()),
            Self::Clocks(it) => optional::<Int32Type>(group, it[rows].iter().map(|it| it.map(|it| it * 60_000))),
            Self::Instants(.., it) | Self::Whole(it) => optional::<Int64Type>(group, it[rows].iter().copied()),
            Self::ListsOfLists(_) => {
                let values: Vec<ByteArray> = rows.clone().map(|_| ByteArray::from("x")).collect();
                levels::<ByteArrayType>(group, &values, &vec![2; rows.len()], &vec![0; rows.len()]);
            }
            Self::Lists(it) => {
                let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
                for list in &it[rows] {
                    // A list without elements is there, as none of its elements is.
                    for (at, element) in list.iter().enumerate() {
                        values.push(ByteArray::from(*element));
                        definitions.push(3);
                        repetitions.push(i16::from(at > 0));
                    }
                    if list.is_empty() {
                        definitions.push(1);
                        repetitions.push(0);
                    }
                }
                levels::<ByteArrayType>(group, &values, &definitions, &repetitions);
            }
        }
    }
}

fn optional<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, cells: impl Iterator<Item = Option<T::T>>) {
    let cells: Vec<Option<T::T>> = cells.collect();
    let definitions: Vec<i16> = cells.iter().map(|it| i16::from(it.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    levels::<T>(group, &values, &definitions, &[]);
}

fn levels<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    definitions: &[i16],
    repetitions: &[i16],
) {
    let mut column = group.next_column().unwrap().unwrap();
    let given = |it| if <[i16]>::is_empty(it) { None } else { Some(it) };
    column.typed::<T>().write_batch(values, given(definitions), given(repetitions)).unwrap();
    column.close().unwrap();
}

/// A file with these columns.
pub(super) fn parquet(columns: &[(&str, Cells<'_>)]) -> Vec<u8> {
    parquet_in_groups(columns, usize::MAX)
}

/// The same in groups of so many rows.
pub(super) fn parquet_in_groups(columns: &[(&str, Cells<'_>)], rows_max: usize) -> Vec<u8> {
    let fields: Vec<String> = columns.iter().map(|(name, cells)| cells.schema(name)).collect();
    let schema = Arc::new(parse_message_type(&format!("message schema {{ {} }}", fields.join(" "))).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::new())).unwrap();
    let rows = columns.first().map_or(0, |it| it.1.len());
    let mut begin = 0;
    while begin < rows {
        let end = begin.saturating_add(rows_max).min(rows);
        let mut group = writer.next_row_group().unwrap();
        columns.iter().for_each(|(_, cells)| cells.write(begin..end, &mut group));
        group.close().unwrap();
        begin = end;
    }
    writer.into_inner().unwrap()
}

/// A table in CSV as somebody who knows types would write it: each column by what all of its values are.
pub(super) fn parquet_of_csv(csv: &str) -> Vec<u8> {
    const LISTS: [&str; 5] = ["accounts", "targets", "assignee", "actions", "purposes"];
    let mut lines = csv.lines().map(|it| it.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |at: usize| rows.iter().map(|it| it[at]).collect::<Vec<_>>();
    let columns: Vec<(&str, Cells<'_>)> =
        names.iter().enumerate().map(|(at, name)| (*name, cells(&LISTS, name, &column(at)))).collect();
    parquet(&columns)
}

fn cells<'c>(lists: &[&str], name: &str, texts: &[&'c str]) -> Cells<'c> {
    fn of<T>(texts: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<Vec<Option<T>>> {
        let said = |it: &&str| if it.is_empty() { Some(None) } else { read(it).map(Some) };
        texts.iter().any(|it| !it.is_empty()).then(|| texts.iter().map(said).collect()).flatten()
    }
    let instant = |it: &str| model::EventTime::parse(it).map(model::EventTime::ms);
    let day = |it: &str| {
        let midnight = Some(format!("{it}T00:00:00Z")).filter(|_| it.len() == 10).and_then(|it| instant(&it));
        midnight.and_then(|ms| i32::try_from(ms / 86_400_000).ok())
    };
    let clock = |it: &str| {
        it.split_once(':').filter(|_| it.len() == 5).and_then(|(h, m)| Some(h.parse::<i32>().ok()? * 60 + m.parse::<i32>().ok()?))
    };
    if lists.contains(&name) {
        return Cells::Lists(texts.iter().map(|it| it.split(';').filter(|it| !it.is_empty()).collect()).collect());
    }
    of(texts, |it| it.parse::<bool>().ok())
        .map(Cells::Flags)
        .or_else(|| of(texts, day).map(Cells::Days))
        .or_else(|| of(texts, instant).map(|it| Cells::Instants("MILLIS", true, it)))
        .or_else(|| of(texts, clock).map(Cells::Clocks))
        .or_else(|| of(texts, |it| it.parse::<i64>().ok()).map(Cells::Whole))
        .unwrap_or_else(|| Cells::Text(texts.iter().map(|it| Some(*it).filter(|it| !it.is_empty())).collect()))
}
