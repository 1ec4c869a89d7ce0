//! The columns of a Parquet file: what they are called, what their values are, and the cells that values and levels make.

use super::Trouble;
use super::value::{self, Kind};
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};
use serde_json::Value as Json;

/// A column that is read.
#[derive(Debug)]
pub(super) struct Column {
    /// Its name; that of a field inside is a dotted path.
    pub(super) name: String,
    /// The same as a JSON key, with its colon.
    pub(super) key: String,
    /// Its place among all columns of the file.
    pub(super) leaf: usize,
    is_list: bool,
    /// How deep its values stand: so many parts of its path are there.
    definition: i16,
    repetition: i16,
    kind: Kind,
}

impl Column {
    /// All of them, in the order of the file.
    pub(super) fn all(schema: &SchemaDescriptor) -> Vec<Self> {
        let mut names = Vec::new();
        for field in schema.root_schema().get_fields() {
            collect(field, String::new(), &mut names);
        }
        let columns = schema.columns().iter().enumerate().zip(names);
        columns.map(|((leaf, descriptor), name)| Self::new(leaf, name, descriptor)).collect()
    }

    fn new(leaf: usize, name: String, descriptor: &ColumnDescriptor) -> Self {
        let key = Json::from(name.as_str()).to_string() + ":";
        let (definition, repetition) = (descriptor.max_def_level(), descriptor.max_rep_level());
        Self { name, key, leaf, is_list: repetition > 0, definition, repetition, kind: Kind::of(descriptor) }
    }
}

/// The names of the columns in a field, in the order in which the file has them. The groups that make a list are no part of a name.
fn collect(field: &Type, mut name: String, names: &mut Vec<String>) {
    if !name.is_empty() {
        name.push('.');
    }
    name.push_str(field.name());
    inside(field, name, names);
}

fn inside(field: &Type, name: String, names: &mut Vec<String>) {
    if field.is_primitive() {
        return names.push(name);
    }
    let fields = field.get_fields();
    let info = field.get_basic_info();
    let is_list = matches!(info.logical_type_ref(), Some(LogicalType::List)) || info.converted_type() == ConvertedType::LIST;
    // The group in a list that is repeated, and the one field in that, if there is such a pair: the three levels of the specification.
    match fields {
        [repeated] if is_list && repeated.is_group() => match repeated.get_fields() {
            [element] => inside(element, name, names),
            several => several.iter().for_each(|it| collect(it, name.clone(), names)),
        },
        [repeated] if is_list => inside(repeated, name, names),
        _ => fields.iter().for_each(|it| collect(it, name.clone(), names)),
    }
}

/// The values of a column in one row group.
pub(super) struct Values<'c> {
    column: &'c Column,
    reader: ColumnReader,
}

impl<'c> Values<'c> {
    pub(super) fn new(column: &'c Column, reader: ColumnReader) -> Self {
        Self { column, reader }
    }

    /// The cells of the next rows, at most so many.
    pub(super) fn next(&mut self, rows: usize) -> Result<Vec<Json>, Trouble> {
        let (column, kind) = (self.column, &self.column.kind);
        match &mut self.reader {
            ColumnReader::BoolColumnReader(it) => cells(it, column, rows, |it| Ok(Json::Bool(*it))),
            ColumnReader::Int32ColumnReader(it) => cells(it, column, rows, |it| value::of_int(kind, i64::from(*it))),
            ColumnReader::Int64ColumnReader(it) => cells(it, column, rows, |it| value::of_int(kind, *it)),
            ColumnReader::Int96ColumnReader(it) => cells(it, column, rows, |it| value::of_instant(it.to_millis())),
            ColumnReader::FloatColumnReader(it) => cells(it, column, rows, |it| Ok(value::of_float(f64::from(*it)))),
            ColumnReader::DoubleColumnReader(it) => cells(it, column, rows, |it| Ok(value::of_float(*it))),
            ColumnReader::ByteArrayColumnReader(it) => cells(it, column, rows, |it| value::of_bytes(kind, it.data())),
            ColumnReader::FixedLenByteArrayColumnReader(it) => cells(it, column, rows, |it| value::of_bytes(kind, it.data())),
        }
    }
}

/// Puts values and levels together: a repetition level of 0 begins a row, and a value is there where all of its path is.
fn cells<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &Column,
    rows: usize,
    cell: impl Fn(&T::T) -> Result<Json, String>,
) -> Result<Vec<Json>, Trouble> {
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    reader.read_records(rows, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
    let levels = if column.definition == 0 { values.len() } else { definitions.len() };
    let mut values = values.iter();
    let mut cells: Vec<Json> = Vec::with_capacity(rows);
    for at in 0..levels {
        if column.repetition == 0 || repetitions.get(at) == Some(&0) {
            cells.push(if column.is_list { Json::Array(Vec::new()) } else { Json::Null });
        }
        let is_there = column.definition == 0 || definitions.get(at) == Some(&column.definition);
        if !is_there {
            continue;
        }
        let Some(value) = values.next() else { break };
        let wrong = |reason| Trouble::new(cells.len(), format!("`{}`: {reason}", column.name));
        let value = cell(value).map_err(wrong)?;
        match cells.last_mut() {
            // Lists of lists are none of ours: whoever reads the column says so.
            Some(list) if column.repetition > 1 => *list = Json::Object(serde_json::Map::new()),
            Some(Json::Array(elements)) => elements.push(value),
            Some(place) => *place = value,
            None => return Err(Trouble::new(1, format!("`{}` begins in the middle of a row", column.name))),
        }
    }
    Ok(cells)
}
