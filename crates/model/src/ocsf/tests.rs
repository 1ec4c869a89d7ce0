//! Alerts as OCSF findings.

use super::attack::{Attack, TACTICS, parse};
use super::*;
use crate::alert::OriginRef;
use crate::source::Outcome;
use crate::{
    ActorRef, Contribution, Deviation, EventTime, Evidence, Incident, IncidentFinding, Level, RuleInfo, Standing, TargetRef,
    Triaged,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::sync::Arc;

mod any;
mod parts;
mod samples;
mod tags;
mod whole;

use samples::*;

fn line_of(alert: &Alert) -> String {
    let mut out = Vec::new();
    alert.write_ocsf(&mut out);
    String::from_utf8(out).unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&it| it.to_owned()).collect()
}

fn time(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}
