//! `--explain`: what a code is about, with an example of what is wrong and of what is right.

use super::args::{self, Output};
use crate::exit::{Exit, Usage};
use anyhow::Result;
use serde_json::{Value as Json, json};
use sigma::lint::docs;
use sigma::problem::Code;
use std::io::Write;

pub(super) fn main(code: &str, format: Output) -> Result<Exit> {
    let is_all = code.eq_ignore_ascii_case("all");
    let codes = if is_all { Code::ALL.to_vec() } else { vec![args::code(code)?] };
    let mut out = anstream::stdout().lock();
    match format {
        Output::Text | Output::Short if is_all => write!(out, "{}", docs::reference())?,
        Output::Text | Output::Short => codes.iter().try_for_each(|it| write!(out, "{}", docs::text(*it)))?,
        Output::Json if is_all => writeln!(out, "{:#}", codes.into_iter().map(entry).collect::<Json>())?,
        Output::Json => codes.into_iter().try_for_each(|it| writeln!(out, "{:#}", entry(it)))?,
        Output::Sarif | Output::Junit | Output::Github => return Err(Usage::new("--explain is text or JSON")),
    }
    Ok(Exit::Done)
}

fn entry(code: Code) -> Json {
    let [wrong, right] = docs::example(code);
    json!({
        "code": code.as_str(),
        "name": code.name(),
        "severity": code.severity().as_str(),
        "summary": code.summary(),
        "about": docs::about(code),
        "has_fix": docs::has_fix(code),
        "wrong": wrong,
        "right": right,
    })
}
