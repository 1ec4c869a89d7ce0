//! The `logsource` of rules and filters (specification 2.1, "Log Source").

use super::report::Report;
use super::yaml::{Node, Typed};
use crate::problem::Code;
use model::source::LogSource;

/// Reads the log source that `document` is for; problems are reported.
pub(super) fn read(document: &Node, report: &mut Report) -> LogSource {
    let Some(node) = document.get("logsource") else {
        report.error_with_hint(
            Code::BadLogSource,
            document.at,
            "a document without a log source",
            "add `logsource:` with `product:`, `service:` or `category:`",
        );
        return LogSource::default();
    };
    if node.as_map().is_none() {
        report.error_with_hint(
            Code::BadLogSource,
            node.at,
            format!("`logsource` is {}", node.describe()),
            "write `product:`, `service:` or `category:` under it",
        );
        return LogSource::default();
    }
    let mut text = |key: &str| {
        let value = node.get(key)?;
        let scalar = value.as_scalar();
        if scalar.is_none() {
            report.error(Code::LogSourceNotText, value.at, format!("`{key}` is {}; it has to be a text", value.describe()));
        }
        if scalar.is_some_and(|it| it.typed != Typed::Text) {
            let message = format!("`{key}` is {}; the specification has a text there", value.describe());
            report.warning_with_hint(Code::BadAttribute, value.at, message, "put it in quotes");
        }
        scalar.map(|it| it.text.trim().to_owned())
    };
    let (category, product, service) = (text("category"), text("product"), text("service"));
    let definition = node.get("definition").and_then(Node::as_scalar).map(|it| it.text.trim().to_owned());
    if category.is_none() && product.is_none() && service.is_none() {
        let message = "a log source that names no product, service or category: the rule is for every source";
        report.warning(Code::EmptyLogSource, node.at, message);
    }
    LogSource { category, product, service, definition }
}
