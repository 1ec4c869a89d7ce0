//! `--explain`: what a code is about, with an example of what is wrong and of what is right.

use super::args;
use crate::exit::Exit;
use anyhow::Result;
use sigma::lint::docs;
use sigma::problem::Code;
use std::io::Write;

pub(super) fn main(code: &str) -> Result<Exit> {
    let mut out = anstream::stdout().lock();
    if code.eq_ignore_ascii_case("all") {
        write!(out, "{}", docs::reference())?;
        return Ok(Exit::Done);
    }
    let code: Code = args::code(code)?;
    write!(out, "{}", docs::text(code))?;
    Ok(Exit::Done)
}
