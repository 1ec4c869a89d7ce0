//! Those who build and run the service.

use rand::RngExt as _;

use super::work::{Cause, Work};
use crate::act::{Extra, Queue, Subject};
use crate::vocabulary::{Action, COMMANDS, LOG_SINK, Reason, SETTINGS, Tool, datasets_for};

pub(super) fn operate(work: &mut Work<'_>) {
    // A log sink is replaced about every other day among 600 people.
    if work.chance(0.000_4) {
        let sink = Subject::Setting(LOG_SINK);
        let cause = work.internal_ticket(Queue::Internal, sink, Reason::Maintenance);
        return work.act(Action::LogSinkDisable, Tool::ProdAccess, sink, Some(cause), Extra::Nothing);
    }
    match work.rng.random_range(0..100) {
        0..45 => on_host(work, Queue::Internal),
        45..60 => change_setting(work),
        _ => call(work, "/internal/status"),
    }
}

pub(super) fn develop(work: &mut Work<'_>) {
    match work.rng.random_range(0..100) {
        0..4 => on_host(work, Queue::Internal),
        4..10 => change_setting(work),
        10..35 => {
            let dataset = work.rng.random_range(datasets_for("product"));
            let rows = Extra::Rows(work.rng.random_range(1..500));
            work.act(Action::DataQuery, Tool::DataWarehouse, Subject::Dataset(dataset), None, rows);
        }
        _ => call(work, "/internal/builds"),
    }
}

/// A page at night: sign in, look at the hosts, perhaps change something, all under the incident's ticket.
pub(crate) fn answer_page(work: &mut Work<'_>) {
    work.sign_in();
    on_host(work, Queue::Incident);
    if work.chance(0.3) {
        change_setting(work);
    }
}

fn on_host(work: &mut Work<'_>, queue: Queue) {
    let host = Subject::Host(work.rng.random_range(0..400));
    let reason = if queue == Queue::Incident { Reason::Incident } else { Reason::Maintenance };
    let cause = work.internal_ticket(queue, host, reason);
    work.act(Action::ProdLogin, Tool::ProdAccess, host, Some(cause), Extra::Nothing);
    for _ in 0..work.rng.random_range(2..=6) {
        let command = Extra::Command(work.rng.random_range(0..COMMANDS.len() as u8));
        work.act(Action::ProdCommand, Tool::ProdAccess, host, Some(cause), command);
    }
}

fn change_setting(work: &mut Work<'_>) {
    let setting = Subject::Setting(work.rng.random_range(0..SETTINGS.len() as u8));
    let cause = work.internal_ticket(Queue::Internal, setting, Reason::Maintenance);
    work.act(Action::ConfigChange, Tool::ProdAccess, setting, Some(cause), Extra::Nothing);
}

pub(super) fn call(work: &mut Work<'_>, path: &'static str) {
    let cause: Option<Cause> = None;
    for _ in 0..work.rng.random_range(1..=5) {
        let host = Subject::Host(work.rng.random_range(0..400));
        work.act(Action::ApiCall, Tool::ProdAccess, host, cause, Extra::Path(path));
    }
}
