//! About how many people there were within 24 hours, when they are too many to be listed: linear counting (K. Whang et al. 1990) over
//! cells that remember when they were last hit, so that people leave as they came.

use super::DAY;
use crate::observation::mixed;
use serde::{Deserialize, Serialize};

/// How many cells.
pub(super) const CELLS: usize = 256;
/// Cells know the time to four minutes, so that 16 bits last for half a year; nobody asks for more than a day.
const UNIT: u32 = 240;
const UNITS_A_DAY: u16 = 360;
/// Times begin again after as many units. 0 is never.
const TURN: u32 = 65_535;

/// When each cell was last hit. 512 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Sketch {
    #[serde(with = "crate::array")]
    cells: [u16; CELLS],
}

impl Default for Sketch {
    fn default() -> Self {
        Self { cells: [0; CELLS] }
    }
}

const fn cell_of(actor: u64) -> usize {
    (mixed(actor ^ 0x6372_6f77_6473) >> 56) as usize
}

fn unit_of(second: u32) -> u16 {
    u16::try_from(1 + second / UNIT % TURN).expect("it is a remainder")
}

/// Whether a time of a cell is less than a day before `end`.
const fn is_live(cell: u16, end: u16) -> bool {
    let age = if end >= cell { end - cell } else { end + (65_535 - cell) };
    cell > 0 && age < UNITS_A_DAY
}

impl Sketch {
    /// Takes note of somebody; what is older than a day before `end` is forgotten.
    pub(super) fn add(&mut self, actor: u64, second: u32, end: u32) {
        let now = unit_of(end);
        for cell in self.cells.iter_mut().filter(|it| !is_live(**it, now)) {
            *cell = 0;
        }
        let (cell, unit) = (&mut self.cells[cell_of(actor)], unit_of(second));
        // A late event does not make an earlier one of a later time.
        if end - second < DAY && (*cell == 0 || is_live(*cell, unit)) {
            *cell = unit;
        }
    }

    /// About how many there are within a day before `end`, with `also` if that is somebody.
    pub(super) fn estimate(&self, end: u32, also: Option<u64>) -> f64 {
        let now = unit_of(end);
        let also = also.map(cell_of);
        let hit = self.cells.iter().enumerate().filter(|(at, it)| also == Some(*at) || is_live(**it, now)).count();
        let cells = crate::pareto::float(CELLS);
        // Of a full one it is only known that they are many: half a cell is taken to be free.
        let free = (cells - crate::pareto::float(hit)).max(0.5);
        cells * libm::log(cells / free)
    }

    /// The standard error of an estimate over the estimate: sqrt(m(e^t - t - 1))/n, t = n/m.
    pub(super) fn relative_error(estimate: f64) -> f64 {
        let cells = crate::pareto::float(CELLS);
        let load = estimate / cells;
        (cells * (libm::expm1(load) - load)).max(0.0).sqrt() / estimate.max(1.0)
    }

    /// Whether the cell of `actor` was hit within a day before `end`: surely if they were there, perhaps if not.
    pub(super) fn knows(&self, actor: u64, end: u32) -> bool {
        is_live(self.cells[cell_of(actor)], unit_of(end))
    }
}

const _: () = assert!(DAY / UNIT == UNITS_A_DAY as u32);
