//! Computed fields that are asked for what they never hold.

use super::entries::Entry;
use crate::computed;
use crate::parse::number;

/// What is asked of a computed field that it never has: a text of a number, a number of what is true or false, more than 1 of a p-value.
pub(super) fn message(name: &str, entry: &Entry<'_>) -> Option<String> {
    let compared = entry.modifiers.iter().find(|it| matches!(**it, "gt" | "gte" | "lt" | "lte"));
    let is_in_text = entry.modifiers.iter().any(|it| matches!(*it, "contains" | "startswith" | "endswith" | "re" | "cidr"));
    let kind = computed::find(name)?.kind;
    match kind {
        computed::Kind::Flag if compared.is_some() => Some(format!("`{name}` is true or false, and no number is compared with it")),
        computed::Kind::Count | computed::Kind::Number if is_in_text => {
            Some(format!("`{name}` is {}, and no text is looked for in it", kind.name()))
        }
        computed::Kind::Count => {
            let value = number(entry.values.first()?.as_scalar()?)?.nearest();
            let is_never = match *compared? {
                "lt" => value <= 0.0,
                "lte" => value < 0.0,
                _ => false,
            };
            let is_always = match *compared? {
                "gt" => value < 0.0,
                "gte" => value <= 0.0,
                _ => false,
            };
            let verdict = if is_never { "is never less" } else { "is never less, so that this holds wherever it is known" };
            (is_never || is_always).then(|| format!("`{name}` is a count, 0 or more: it {verdict}"))
        }
        computed::Kind::Number if computed::is_p_value(name) => {
            let value = number(entry.values.first()?.as_scalar()?)?.nearest();
            let is_never = matches!(*compared?, "gt") && value >= 1.0 || matches!(*compared?, "gte") && value > 1.0;
            let is_always = matches!(*compared?, "lte") && value >= 1.0 || matches!(*compared?, "lt") && value > 1.0;
            let verdict = if is_never { "is never more" } else { "is never more, so that this always holds" };
            (is_never || is_always).then(|| format!("`{name}` is a p-value, from 0 to 1: it {verdict}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::{Input, check};
    use crate::lists::Lists;
    use crate::problem::Code;
    use model::SourceMapping;

    /// What is said of a rule with this line beside another.
    #[track_caller]
    fn expect(line: &str, expected: Option<&str>) {
        let text = format!(
            "title: T\nlogsource: {{product: nightjar, service: audit}}\ndetection:\n  s:\n    action: login\n    {line}\n  condition: s\n"
        );
        let mappings = [SourceMapping::built_in("native").unwrap()];
        let checked = check(&Input {
            files: &[("rules/t.yml".to_owned(), text)],
            pages: None,
            lists: &Lists::default(),
            list_files: &[],
            mappings: &mappings,
            now: None,
        });
        let told = checked.problems.iter().find(|it| it.code == Code::NumberOnText).map(|it| it.message.as_str());
        assert_eq!(told, expected, "{line}");
    }

    #[test]
    fn a_p_value_is_never_more_than_one() {
        expect("nj.shift.p|gt: 2", Some("`nj.shift.p` is a p-value, from 0 to 1: it is never more"));
        expect(
            "nj.rate.view.10m.p_self|lte: 5",
            Some("`nj.rate.view.10m.p_self` is a p-value, from 0 to 1: it is never more, so that this always holds"),
        );
        for fine in [
            "nj.shift.p|lte: 0.01",
            "nj.shift.p|lt: 1",
            "nj.shift.p|gte: 1",
            "nj.p|lte: 5",
            "nj.score|gte: 40",
            "nj.rate.view.10m.count|gte: 20",
        ] {
            expect(fine, None);
        }
    }

    #[test]
    fn a_count_is_never_less_than_zero() {
        expect("nj.rate.view.10m.count|lt: 0", Some("`nj.rate.view.10m.count` is a count, 0 or more: it is never less"));
        expect(
            "nj.rate.view.10m.count|gte: 0",
            Some("`nj.rate.view.10m.count` is a count, 0 or more: it is never less, so that this holds wherever it is known"),
        );
        expect("nj.rate.view.10m.count|lt: 1", None);
        expect("nj.rate.view.10m.count|gt: 0", None);
    }

    #[test]
    fn texts_are_not_looked_for_in_numbers_nor_numbers_compared_with_flags() {
        expect(
            "nj.rate.view.10m.count|contains: 5",
            Some("`nj.rate.view.10m.count` is a whole number, and no text is looked for in it"),
        );
        expect(
            "nj.novelty.device.first_for_actor|gte: 1",
            Some("`nj.novelty.device.first_for_actor` is true or false, and no number is compared with it"),
        );
        expect("nj.novelty.device.first_for_actor: true", None);
        expect("nj.ticket.verdict|contains: target", None);
    }
}
