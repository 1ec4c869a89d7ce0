//! Values of fields whose schema names all that there are.

use super::entries::Entry;
use super::fields;
use super::source::Source;
use crate::parse::nearest::nearest;
use crate::parse::yaml::Typed;
use crate::problem::{Code, Problem};
use model::SourceMapping;

/// Reports values that none of the schema's has the like of.
pub(super) fn check(source: &Source<'_>, entry: &Entry<'_>, mappings: &[&SourceMapping], problems: &mut Vec<Problem>) {
    let Some(field) = entry.field.filter(|_| entry.is_text()) else { return };
    let known: Option<Vec<_>> = mappings.iter().map(|it| fields::closed(field, it)).collect();
    let Some(words) = known.and_then(|it| it.first().copied()) else { return };
    for (node, scalar) in entry.values.iter().filter_map(|it| Some((it, it.as_scalar()?))) {
        let value = scalar.text.to_lowercase();
        let matches = |word: &str| {
            if entry.has("contains") {
                word.contains(&value)
            } else if entry.has("startswith") {
                word.starts_with(&value)
            } else if entry.has("endswith") {
                word.ends_with(&value)
            } else {
                *word == value
            }
        };
        // `null` is that there is none, and patterns are for what there may be one day.
        let is_word = scalar.typed != Typed::Null && !value.contains(['*', '?', '\\', '%']);
        if is_word && !words.iter().any(|it| matches(it)) {
            let message = format!("`{field}` is never `{}`: the schema has {}", scalar.text, words.join(", "));
            let mut problem = source.problem(Code::ValueOutsideSchema, node.at, message);
            problem.hint = nearest(&value, words.iter().copied()).map(|it| format!("did you mean `{it}`?"));
            problems.push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Input, check};
    use crate::lists::Lists;
    use crate::problem::Code;
    use model::SourceMapping;

    /// The hint at the first value of a line that is outside the schema; `Some("")` without one, `None` where all are inside.
    fn told(product: &str, line: &str) -> Option<String> {
        let text = format!("title: T\nlogsource: {{product: {product}}}\ndetection:\n  s:\n    {line}\n  condition: s\n");
        let mappings = ["native", "okta"].map(|it| SourceMapping::built_in(it).unwrap());
        let checked = check(&Input {
            files: &[("rules/r.yml".to_owned(), text)],
            pages: None,
            lists: &Lists::default(),
            list_files: &[],
            mappings: &mappings,
            now: None,
        });
        let first = checked.problems.into_iter().find(|it| it.code == Code::ValueOutsideSchema)?;
        assert_eq!(first.line, 5);
        Some(first.hint.unwrap_or_default())
    }

    #[test]
    fn a_value_that_the_schema_does_not_have_comes_with_the_nearest_one() {
        for (line, hint) in [
            ("outcome: succes", "did you mean `success`?"),
            ("outcome: [failure, Denid]", "did you mean `denied`?"),
            ("outcome|neq: sucess", "did you mean `success`?"),
            ("outcome|contains: fial", ""),
            ("outcome: 1", ""),
            ("nj.novelty.device.first_for_actor: yes please", ""),
            ("nj.novelty.device.first_for_actor: tru", "did you mean `true`?"),
            ("actor.type: robot", ""),
            ("actor.type|cased: contracter", "did you mean `contractor`?"),
        ] {
            assert_eq!(told("nightjar", line).as_deref(), Some(hint), "{line}");
        }
    }

    #[test]
    fn values_of_the_schema_patterns_and_other_sources_are_left_alone() {
        for line in [
            "outcome: [Success, FAILURE, denied]",
            "outcome|startswith: [succ, fail]",
            "outcome: null",
            "outcome: 'den*'",
            "outcome|re: '^x'",
            "outcome|exists: true",
            "actor.type: service",
            "tool: succes",
        ] {
            assert_eq!(told("nightjar", line), None, "{line}");
        }
        assert_eq!(told("okta", "actor.type: User"), None);
    }
}
