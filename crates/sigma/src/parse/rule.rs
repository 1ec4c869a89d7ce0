//! Detection rules.

use super::report::Report;
use super::yaml::Node;
use super::{detection, hash, info, logsource};
use crate::ast::{Place, Rule};
use crate::lists::Lists;
use model::alert::{RuleInfo, RuleKind};
use std::sync::Arc;

/// Reads a rule. `None` if a problem keeps it from loading.
pub(super) fn read(document: &Node, place: Place, name: &str, lists: &Lists, report: &mut Report) -> Option<Rule> {
    let errors = report.errors();
    let info = info::read(document, RuleKind::Detection, name, report);
    let logsource = logsource::read(document, report);
    let detection = document.get("detection").and_then(|it| detection::read(it, &detection::RULE, lists, report));
    let (selections, condition) = detection?;
    let info = info?;
    let version = hash::with_lists(info.version.clone(), document, lists);
    let info = RuleInfo { version, ..info };
    let condition_line = detection::condition_line(document, "detection");
    let info = Arc::new(info);
    let rule = Rule { info, place, logsource, selections, condition, condition_line, filters: Vec::new(), is_muted: false };
    (report.errors() == errors).then_some(rule)
}
