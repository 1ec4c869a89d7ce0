//! The conditions under which events of a source are of a log source, read as Sigma selections.

use crate::ast::Search;
use crate::lists::Lists;
use crate::parse::selection;
use model::SourceMapping;

/// The condition of each of the mapping's [`SourceMapping::logsources`], `None` for one without. The error names the one that is wrong.
pub fn conditions(mapping: &SourceMapping) -> Result<Vec<Option<Search>>, String> {
    let mut conditions = Vec::with_capacity(mapping.logsources.len());
    for (at, route) in mapping.logsources.iter().enumerate() {
        if route.logsource().names_nothing() {
            return Err(format!("logsources[{at}] of the source `{}` names no category, product or service", mapping.name));
        }
        let condition = if route.when.is_empty() { None } else { Some(selection(&route.when, &Lists::default())) };
        match condition.transpose() {
            Ok(condition) => conditions.push(condition),
            Err(reason) => return Err(format!("logsources[{at}].when of the source `{}`: {reason}", mapping.name)),
        }
    }
    Ok(conditions)
}
