//! Tables in Parquet files, as the text that tables are read from: a line with the names of the columns, then a JSON object per row.
//!
//! So a Parquet table goes through the same eyes as a CSV one. Columns are read one beside the other, by their values and levels (the
//! "Dremel" encoding of the format's specification, "Nested Encoding"), which needs nothing of Arrow.

mod column;
mod value;

#[cfg(test)]
mod tests;

use super::files;
use bytes::Bytes;
use column::{Column, Values};
use engine::context::rows::ROWS_MAX;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use sigma::problem::{Code, Problem};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// So many rows are taken from all columns before they are written.
const BATCH: usize = 4_096;
/// Most bytes that the rows of one file may come to as text: a small file can say the same very often.
const TEXT_BYTES_MAX: usize = 4 << 30;

/// Why a file can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    /// The first row that is to blame, counted from 1.
    row: usize,
    reason: String,
    hint: &'static str,
}

impl Trouble {
    fn new(row: usize, reason: impl Into<String>) -> Self {
        Self { row, reason: reason.into(), hint: "" }
    }
}

impl From<ParquetError> for Trouble {
    fn from(error: ParquetError) -> Self {
        let reason = error.to_string();
        // Both begin with words of the library's.
        let reason = reason.trim_start_matches("Parquet error: ").trim_start_matches("NYI: ").to_owned();
        let is_codec = reason.contains("Disabled feature") || reason.contains("codec");
        let hint = if is_codec { "write it with snappy, zstd, gzip or lz4, or uncompressed" } else { "write the file anew" };
        Self { hint, ..Self::new(1, reason) }
    }
}

/// The rows of a Parquet file. One that can't be used is a problem like any other.
pub(super) fn text(path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    let file = path.display().to_string();
    let bytes = match files::bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.push(files::unreadable(path, &error));
            return None;
        }
    };
    match rows(bytes) {
        Ok(text) => Some(text),
        Err(Trouble { row, reason, hint }) => {
            let problem = Problem::error(Code::BadTable, &file, row, 1, reason);
            problems.push(if hint.is_empty() { problem } else { problem.with_hint(hint.to_owned()) });
            None
        }
    }
}

/// The rows in the bytes of a file.
fn rows(bytes: Vec<u8>) -> Result<String, Trouble> {
    const MAGIC: &[u8] = b"PAR1";
    match (bytes.starts_with(MAGIC), bytes.ends_with(MAGIC) && bytes.len() >= 12) {
        (true, true) => {}
        (true, false) => return Err(Trouble { hint: "write the file anew", ..Trouble::new(1, "the Parquet file is cut off") }),
        _ if bytes.ends_with(b"PARE") => return Err(Trouble::new(1, "the Parquet file is encrypted")),
        _ => return Err(Trouble { hint: "its name should say what it is", ..Trouble::new(1, "this is no Parquet file") }),
    }
    // The library checks most of what a damaged file can say, and asserts some of it. Nothing of it is kept when it gives up.
    let damaged = |_| Err(Trouble { hint: "write the file anew", ..Trouble::new(1, "the Parquet file is damaged") });
    catch_unwind(AssertUnwindSafe(|| read(bytes))).unwrap_or_else(damaged)
}

fn read(bytes: Vec<u8>) -> Result<String, Trouble> {
    let reader = SerializedFileReader::new(Bytes::from(bytes))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let columns: Vec<Column> = Column::all(&schema);
    let names: Vec<&str> = columns.iter().map(|it| it.name.as_str()).collect();
    let mut text = serde_json::to_string(&names).map_err(|error| Trouble::new(1, error.to_string()))?;
    text.push('\n');
    // The longest tables end with a row too many, which whoever reads them tells.
    let mut rows = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        add_group(&*group, &columns, &mut rows, &mut text)?;
        if rows > ROWS_MAX {
            break;
        }
    }
    Ok(text)
}

/// Adds the rows of a row group; `rows` counts them from the first of the file.
fn add_group(group: &dyn RowGroupReader, columns: &[Column], rows: &mut usize, text: &mut String) -> Result<(), Trouble> {
    let readers = columns.iter().map(|it| Ok(Values::new(it, group.get_column_reader(it.leaf)?)));
    let mut readers: Vec<Values<'_>> = readers.collect::<Result<_, ParquetError>>()?;
    let expected = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    let mut done = 0;
    while done < expected && *rows <= ROWS_MAX {
        let wanted = BATCH.min(expected - done);
        let mut cells = Vec::with_capacity(columns.len());
        for (reader, column) in readers.iter_mut().zip(columns) {
            let of_column = reader.next(wanted).map_err(|it| Trouble { row: *rows + it.row, ..it })?;
            if of_column.len() != wanted {
                let (name, there) = (&column.name, done + of_column.len());
                let reason = format!("the column `{name}` has {there} rows where there should be {expected}");
                return Err(Trouble { hint: "write the file anew", ..Trouble::new(*rows + 1, reason) });
            }
            cells.push(of_column);
        }
        for row in 0..wanted {
            add_row(columns, &cells, row, text);
        }
        if text.len() > TEXT_BYTES_MAX {
            let reason = format!("the rows come to more than {TEXT_BYTES_MAX} bytes of text");
            return Err(Trouble::new(*rows + 1, reason));
        }
        (done, *rows) = (done + wanted, *rows + wanted);
    }
    Ok(())
}

fn add_row(columns: &[Column], cells: &[Vec<serde_json::Value>], row: usize, text: &mut String) {
    let mut separator = '{';
    for (column, cells) in columns.iter().zip(cells).filter(|(_, cells)| !cells[row].is_null()) {
        text.push(separator);
        text.push_str(&column.key);
        text.push_str(&cells[row].to_string());
        separator = ',';
    }
    text.push_str(if separator == '{' { "{}\n" } else { "}\n" });
}
