//! Conditions over rule names, multiplied out: the ways in which they can hold.

use crate::ast::{ALTERNATIVES_MAX, Alternative, Condition};

/// The alternatives of a condition, in its order; each names at least one rule that must match. Else what is wrong with it.
pub fn of(condition: &Condition) -> Result<Vec<Alternative>, String> {
    let products = multiplied(condition, false)?;
    let mut alternatives: Vec<Alternative> = Vec::new();
    for (mut present, mut absent) in products {
        for steps in [&mut present, &mut absent] {
            steps.sort_unstable();
            steps.dedup();
        }
        let is_possible = !present.iter().any(|it| absent.contains(it));
        let alternative = Alternative { present, absent };
        if is_possible && !alternatives.contains(&alternative) {
            alternatives.push(alternative);
        }
    }
    if alternatives.is_empty() {
        return Err("the condition can never hold".to_owned());
    }
    if alternatives.iter().any(|it| it.present.is_empty()) {
        return Err("the condition holds when nothing happens: with every `not`, name a rule that has to match".to_owned());
    }
    Ok(alternatives)
}

/// Steps that must match and steps that must not.
type Product = (Vec<u16>, Vec<u16>);

fn multiplied(condition: &Condition, is_negated: bool) -> Result<Vec<Product>, String> {
    match condition {
        Condition::Not(inner) => multiplied(inner, !is_negated),
        Condition::Selection(at) => {
            let step = u16::try_from(*at).map_err(|_| "too many rules".to_owned())?;
            Ok(vec![if is_negated { (Vec::new(), vec![step]) } else { (vec![step], Vec::new()) }])
        }
        Condition::And(parts) if !is_negated => product(parts, is_negated),
        Condition::Or(parts) if is_negated => product(parts, is_negated),
        Condition::And(parts) | Condition::Or(parts) => {
            let mut sum = Vec::new();
            for part in parts {
                sum.extend(multiplied(part, is_negated)?);
                bounded(&sum)?;
            }
            Ok(sum)
        }
    }
}

fn product(parts: &[Condition], is_negated: bool) -> Result<Vec<Product>, String> {
    let mut all: Vec<Product> = vec![(Vec::new(), Vec::new())];
    for part in parts {
        let factors = multiplied(part, is_negated)?;
        let joined =
            |left: &Product, right: &Product| ([left.0.as_slice(), &right.0].concat(), [left.1.as_slice(), &right.1].concat());
        all = all.iter().flat_map(|left| factors.iter().map(move |right| joined(left, right))).collect();
        bounded(&all)?;
    }
    Ok(all)
}

fn bounded(products: &[Product]) -> Result<(), String> {
    if products.len() > ALTERNATIVES_MAX {
        return Err(format!("the condition has more than {ALTERNATIVES_MAX} alternatives when its `or`s are multiplied out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Condition::{And, Not, Or, Selection};

    #[track_caller]
    fn check(condition: &Condition, expected: &[(&[u16], &[u16])]) {
        let found = of(condition).unwrap();
        let found: Vec<(&[u16], &[u16])> = found.iter().map(|it| (it.present.as_slice(), it.absent.as_slice())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn ors_are_multiplied_out() {
        let one = |at| Selection(at);
        check(&And(vec![one(0), Or(vec![one(1), one(2)])]), &[(&[0, 1], &[]), (&[0, 2], &[])]);
        check(&And(vec![one(0), Not(Box::new(Or(vec![one(1), one(2)])))]), &[(&[0], &[1, 2])]);
        check(&And(vec![one(0), Not(Box::new(And(vec![one(1), one(2)])))]), &[(&[0], &[1]), (&[0], &[2])]);
        check(&Or(vec![And(vec![one(0), Not(Box::new(one(0)))]), one(1)]), &[(&[1], &[])]);
    }

    #[test]
    fn what_can_never_hold_or_needs_nothing_is_refused() {
        let one = |at| Selection(at);
        let wrong = |it: &Condition| of(it).unwrap_err();
        assert_eq!(wrong(&And(vec![one(0), Not(Box::new(one(0)))])), "the condition can never hold");
        assert!(wrong(&Or(vec![one(0), Not(Box::new(one(1)))])).contains("nothing happens"));
        let many = And((0..5).map(|it| Or(vec![one(2 * it), one(2 * it + 1)])).collect());
        assert!(wrong(&many).contains("more than 16 alternatives"));
    }
}
