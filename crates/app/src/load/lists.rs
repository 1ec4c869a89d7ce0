//! The lists that placeholders stand for: text files, and the columns of tables.

use super::files::{self, is_context, is_list};
use super::{list_folders, parquet};
use crate::exit::Usage;
use anyhow::Result;
use engine::context::{self, File};
use sigma::lists::Lists;
use sigma::problem::{Code, Problem};
use sigma::tables::{Overflow, PassedOver, TableError, TableReader};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads the lists: every `.txt` file is a list that is called as its file stem, and every column of a `.csv`, `.ndjson` or `.parquet` file is
/// one that is called `STEM.COLUMN`. Those of `context` take the place of those of the same name beside the rules. The tables in `over`
/// are laid over those of the context; where they are `Some`, even without a row, the columns of each table are there.
pub(super) fn lists(over: Option<&[File]>, dirs: &[PathBuf], context: Option<&Path>, problems: &mut Vec<Problem>) -> Result<Lists> {
    if let Some(context) = context.filter(|it| !it.is_dir()) {
        return Err(Usage::new(format!("no such folder of lists: {}", context.display())));
    }
    let mut lists = Lists::default();
    let mut tables: Vec<PathBuf> = Vec::new();
    let mut known: BTreeMap<context::Table, File> = BTreeMap::new();
    for path in files::below(&list_folders(dirs, context), is_context, problems)? {
        let table = path.file_name().and_then(|it| it.to_str()).and_then(context::Table::of_file);
        // What is wrong with a table of the context is told by whoever reads it as that; as a text it is told here.
        let mut unheard = Vec::new();
        let heard = if table.is_some() && files::is_parquet(&path) { &mut unheard } else { &mut *problems };
        let Some(text) = table_text(&path, heard) else { continue };
        let file = path.display().to_string();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if is_list(&path) {
            match Lists::parse_text(&text) {
                Ok(entries) => lists.insert(name, entries),
                Err(error) => problems.push(Problem::error(Code::TooLarge, &file, 1, 1, error.to_string())),
            }
            continue;
        }
        if let Some(first) = tables.iter().find(|it| it.with_extension("") == path.with_extension("")) {
            let message = format!("the table `{name}` is already taken by {}", first.display());
            problems.push(Problem::error(Code::BadTable, &file, 1, 1, message));
            continue;
        }
        let read = File::new(file, text);
        if let Some((table, _)) = table {
            known.insert(table, read);
        } else {
            let mut rows = TableReader::new(Overflow::Refuse);
            match add(&mut rows, &read, &PassedOver::new()) {
                Ok(()) => lists.insert_table(&name, rows.finish()),
                Err(TableError { line, reason }) => problems.push(Problem::error(Code::BadTable, &read.path, line, 1, reason)),
            }
        }
        tables.push(path);
    }
    for table in context::Table::ALL {
        // What can't be used of them is told by whoever reads them as context.
        if let Ok(Some(rows)) = laid(*table, known.get(table), over) {
            lists.insert_table(table.name(), rows.finish());
        }
    }
    Ok(lists)
}

/// A table of the context: rows of the file that hold, and those over them. `None` if there is none of both.
fn laid(table: context::Table, file: Option<&File>, over: Option<&[File]>) -> Result<Option<TableReader>, TableError> {
    if file.is_none() && over.is_none() {
        return Ok(None);
    }
    let mut rows = TableReader::new(Overflow::LeaveOut);
    let of_table = |it: &&File| context::Table::of_file(&it.name).is_some_and(|(it, _)| it == table);
    let laid = over.and_then(|it| it.iter().find(of_table));
    if over.is_some() {
        table.columns().iter().try_for_each(|it| rows.column(it))?;
    }
    if let Some(file) = file {
        let under = laid.map_or_else(PassedOver::new, |it| context::lines_under(file, it));
        add(&mut rows, file, &under)?;
    }
    if let Some(laid) = laid {
        add(&mut rows, laid, &PassedOver::new())?;
    }
    Ok(Some(rows))
}

fn add(rows: &mut TableReader, file: &File, passed_over: &PassedOver) -> Result<(), TableError> {
    let path = Path::new(&file.name);
    if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv")) {
        rows.csv(&file.text, passed_over)
    } else if files::is_parquet(path) {
        rows.parquet_rows(&file.text, passed_over)
    } else {
        rows.ndjson(&file.text, passed_over)
    }
}

/// The text of a list or table; of a Parquet file its rows.
fn table_text(path: &Path, problems: &mut Vec<Problem>) -> Option<String> {
    if files::is_parquet(path) { parquet::text(path, problems) } else { files::text(path, problems) }
}
