//! Those who answer questions from the warehouse, and those who ask them.

use rand::RngExt as _;

use super::work::Work;
use crate::act::{Extra, Queue, Subject};
use crate::vocabulary::{Action, Outcome, Reason, Tool, datasets_for};

/// More rows than this leave the warehouse only with a ticket.
const EXPORT_ROWS_MAX: f64 = 9_000.0;

pub(super) fn product(work: &mut Work<'_>) {
    analyse(work, "product");
}

pub(super) fn ads(work: &mut Work<'_>) {
    // About every other day somebody tries data that is not there for advertising, and is refused.
    if work.chance(0.000_5) {
        let dataset = Subject::Dataset(work.rng.random_range(datasets_for("security")));
        work.act_with(Action::DataQuery, Outcome::Denied, Tool::DataWarehouse, dataset, None, Extra::Nothing);
        return;
    }
    analyse(work, "ads");
}

/// A few queries, sometimes a small export; about once a day among 600 people a large one, with a ticket.
pub(super) fn analyse(work: &mut Work<'_>, purpose: &str) {
    let dataset = Subject::Dataset(work.rng.random_range(datasets_for(purpose)));
    if work.chance(0.001) {
        let cause = work.internal_ticket(Queue::Internal, dataset, Reason::Analysis);
        let rows = Extra::Rows(work.rng.random_range(30_000..90_000));
        return work.act(Action::DataExport, Tool::DataWarehouse, dataset, Some(cause), rows);
    }
    for _ in 0..work.rng.random_range(2..=6) {
        let rows = Extra::Rows(work.around(400.0).min(EXPORT_ROWS_MAX) as u32);
        work.act(Action::DataQuery, Tool::DataWarehouse, dataset, None, rows);
    }
    if work.chance(0.06) {
        let rows = Extra::Rows(1 + work.around(700.0).min(EXPORT_ROWS_MAX) as u32);
        work.act(Action::DataExport, Tool::DataWarehouse, dataset, None, rows);
    }
}

pub(super) fn manage(work: &mut Work<'_>) {
    let dataset = Subject::Dataset(work.rng.random_range(datasets_for("product")));
    for _ in 0..work.rng.random_range(1..=4) {
        let rows = Extra::Rows(work.rng.random_range(1..60));
        work.act(Action::DataQuery, Tool::DataWarehouse, dataset, None, rows);
    }
}
