//! Conditions as terms: a disjunction of conjunctions with at most one literal per field, so that a value decides a literal by itself.

use super::{AtomSet, Field, FieldAtoms, FieldIndex, FieldSource, RuleIndex};

/// A boolean function of the atoms of one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Literal {
    /// The field.
    pub field: FieldIndex,
    expression: Expression,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Expression {
    Atom(u32),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

impl Expression {
    fn holds(&self, set: &AtomSet) -> bool {
        match self {
            Self::Atom(at) => set[*at as usize / 64] >> (at % 64) & 1 == 1,
            Self::Not(inner) => !inner.holds(set),
            Self::And(parts) => parts.iter().all(|it| it.holds(set)),
            Self::Or(parts) => parts.iter().any(|it| it.holds(set)),
        }
    }
}

impl Expression {
    fn bytes(&self) -> usize {
        let below = match self {
            Self::Atom(_) => 0,
            Self::Not(inner) => inner.bytes(),
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::bytes).sum(),
        };
        size_of::<Self>() + below
    }

    /// Whether it may hold, and whether it may not, when atoms in `set` may or may not and the others don't.
    fn may_hold(&self, set: &AtomSet) -> (bool, bool) {
        match self {
            Self::Atom(at) => (set[*at as usize / 64] >> (at % 64) & 1 == 1, true),
            Self::Not(inner) => {
                let (may, may_not) = inner.may_hold(set);
                (may_not, may)
            }
            Self::And(parts) => parts.iter().map(|it| it.may_hold(set)).fold((true, false), |(a, b), (c, d)| (a && c, b || d)),
            Self::Or(parts) => parts.iter().map(|it| it.may_hold(set)).fold((false, true), |(a, b), (c, d)| (a || c, b && d)),
        }
    }
}

impl Literal {
    pub(super) fn atom(field: FieldIndex, atom: u32) -> Self {
        Self { field, expression: Expression::Atom(atom) }
    }

    pub(super) fn not(self) -> Self {
        let expression = match self.expression {
            Expression::Not(inner) => *inner,
            other => Expression::Not(Box::new(other)),
        };
        Self { field: self.field, expression }
    }

    pub(super) fn and(self, other: Self) -> Self {
        debug_assert_eq!(self.field, other.field);
        let mut parts = match self.expression {
            Expression::And(parts) => parts,
            single => vec![single],
        };
        parts.push(other.expression);
        Self { field: self.field, expression: Expression::And(parts) }
    }

    fn or(self, other: Self) -> Self {
        debug_assert_eq!(self.field, other.field);
        let mut parts = match self.expression {
            Expression::Or(parts) => parts,
            single => vec![single],
        };
        parts.push(other.expression);
        Self { field: self.field, expression: Expression::Or(parts) }
    }

    /// Whether the literal holds when exactly the atoms in `set` do.
    pub fn holds(&self, set: &AtomSet) -> bool {
        self.expression.holds(set)
    }

    fn bytes(&self) -> usize {
        size_of::<FieldIndex>() + self.expression.bytes()
    }

    /// Whether the literal may hold when the atoms in `set` may or may not hold and the others don't.
    pub(crate) fn may_hold(&self, set: &AtomSet) -> bool {
        self.expression.may_hold(set).0
    }
}

/// A condition in negation normal form: negation stands inside literals only.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Every part. An empty one holds.
    And(Vec<Node>),
    /// At least one part. An empty one does not hold.
    Or(Vec<Node>),
    /// One field decides.
    Literal(Literal),
}

impl Node {
    /// The opposite, by De Morgan.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::And(parts) => Self::Or(parts.into_iter().map(Self::negated).collect()),
            Self::Or(parts) => Self::And(parts.into_iter().map(Self::negated).collect()),
            Self::Literal(literal) => Self::Literal(literal.not()),
        }
    }

    /// The same condition with nested parts of one kind joined and the literals of one field among siblings merged.
    pub(super) fn simplified(self) -> Self {
        let (is_and, parts) = match self {
            Self::Literal(literal) => return Self::Literal(literal),
            Self::And(parts) => (true, parts),
            Self::Or(parts) => (false, parts),
        };
        let (mut literals, mut others) = (Vec::<Literal>::new(), Vec::new());
        let mut pending: Vec<Self> = parts.into_iter().rev().map(Self::simplified).collect();
        while let Some(part) = pending.pop() {
            match part {
                Self::And(inner) if is_and => pending.extend(inner.into_iter().rev()),
                Self::Or(inner) if !is_and => pending.extend(inner.into_iter().rev()),
                Self::Literal(literal) => match literals.iter_mut().find(|it| it.field == literal.field) {
                    Some(same) => {
                        let merged = std::mem::replace(same, Literal::atom(literal.field, 0));
                        *same = if is_and { merged.and(literal) } else { merged.or(literal) };
                    }
                    None => literals.push(literal),
                },
                other => others.push(other),
            }
        }
        let mut all: Vec<Self> = literals.into_iter().map(Self::Literal).chain(others).collect();
        match (all.len(), is_and) {
            (1, _) => all.remove(0),
            (_, true) => Self::And(all),
            (_, false) => Self::Or(all),
        }
    }

    /// Whether the condition holds, asking `literal` for each literal that matters.
    pub fn holds(&self, literal: &mut impl FnMut(&Literal) -> bool) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|it| it.holds(literal)),
            Self::Or(parts) => parts.iter().any(|it| it.holds(literal)),
            Self::Literal(it) => literal(it),
        }
    }

    /// Whether `is_it` holds for any literal.
    pub fn any(&self, is_it: &mut impl FnMut(&Literal) -> bool) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|it| it.any(is_it)),
            Self::Literal(it) => is_it(it),
        }
    }

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        let below = match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::bytes).sum(),
            Self::Literal(literal) => literal.bytes(),
        };
        size_of::<Self>() + below
    }

    fn renumber(&mut self, places: &[FieldIndex]) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter_mut().for_each(|it| it.renumber(places)),
            Self::Literal(literal) => literal.field = places[usize::from(literal.field.0)],
        }
    }
}

/// One conjunction of a rule's condition.
#[derive(Debug, Clone)]
pub struct Term {
    /// The rule.
    pub rule: RuleIndex,
    /// At most one literal per field, by field.
    pub literals: Vec<Literal>,
    /// Whether the term is only a necessary condition, so that a hit has to be confirmed with the rule's whole condition.
    pub is_partial: bool,
}

impl Term {
    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.literals.iter().map(Literal::bytes).sum::<usize>()
    }
}

/// Most terms that a rule is spread into; a condition that needs more keeps a necessary part of itself.
pub(crate) const TERMS_PER_RULE_MAX: usize = 256;

#[derive(Clone, Default)]
struct Conjunction {
    literals: Vec<Literal>,
    is_partial: bool,
}

impl Conjunction {
    fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.is_partial |= other.is_partial;
        for literal in &other.literals {
            match both.literals.iter_mut().find(|it| it.field == literal.field) {
                Some(same) => *same = same.clone().and(literal.clone()),
                None => both.literals.push(literal.clone()),
            }
        }
        both
    }
}

/// The terms of a rule's condition. A condition that never holds has none.
pub(super) fn of_rule(rule: RuleIndex, condition: &Node) -> Vec<Term> {
    let terms = spread(condition).unwrap_or_else(|| vec![Conjunction { literals: Vec::new(), is_partial: true }]);
    terms
        .into_iter()
        .map(|mut it| {
            it.literals.sort_by_key(|literal| literal.field);
            Term { rule, literals: it.literals, is_partial: it.is_partial }
        })
        .collect()
}

/// `None` when the condition needs more than [`TERMS_PER_RULE_MAX`] terms.
fn spread(node: &Node) -> Option<Vec<Conjunction>> {
    match node {
        Node::Literal(literal) => Some(vec![Conjunction { literals: vec![literal.clone()], is_partial: false }]),
        Node::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(spread(part)?);
                if all.len() > TERMS_PER_RULE_MAX {
                    return None;
                }
            }
            Some(all)
        }
        Node::And(parts) => {
            let mut product = vec![Conjunction::default()];
            let mut is_partial = false;
            let mut spreads: Vec<_> = parts.iter().map(spread).collect();
            // The narrowest factors first: whatever has to be left out at the limit decides least.
            spreads.sort_by_key(|it| it.as_ref().map_or(usize::MAX, Vec::len));
            for factor in spreads {
                match factor {
                    Some(factor) if product.len() * factor.len() <= TERMS_PER_RULE_MAX => {
                        product = product.iter().flat_map(|left| factor.iter().map(|right| left.and(right))).collect();
                    }
                    _ => is_partial = true,
                }
            }
            product.iter_mut().for_each(|it| it.is_partial |= is_partial);
            Some(product)
        }
    }
}

/// Puts the fields into the order in which they are looked at: first the one that most terms mention, then the one that most of the
/// terms mention which no field before it decides, and so on. The order changes the cost of an event, never its verdict.
pub(super) fn in_order(
    fields: Vec<(FieldSource, FieldAtoms)>,
    mut terms: Vec<Term>,
    mut trees: Vec<Option<Node>>,
) -> (Vec<Field>, Vec<Term>, Vec<Option<Node>>) {
    let mentions_before = mentions(fields.len(), &terms);
    let mut is_covered = vec![false; terms.len()];
    let mut remaining: Vec<usize> = (0..fields.len()).collect();
    let mut places = vec![FieldIndex(0); fields.len()];
    let mut order = Vec::with_capacity(fields.len());
    while !remaining.is_empty() {
        let rank = |field: usize| {
            let uncovered = mentions_before[field].iter().filter(|&&it| !is_covered[it]).count();
            let is_computed = !matches!(fields[field].0, FieldSource::Slot(_));
            (!is_computed, uncovered, mentions_before[field].len())
        };
        let best = (0..remaining.len()).max_by_key(|&at| (rank(remaining[at]), std::cmp::Reverse(remaining[at]))).unwrap_or(0);
        let field = remaining.remove(best);
        mentions_before[field].iter().for_each(|&it| is_covered[it] = true);
        places[field] = FieldIndex(u16::try_from(order.len()).expect("there are no more fields than slots"));
        order.push(field);
    }
    for term in &mut terms {
        term.literals.iter_mut().for_each(|it| it.field = places[usize::from(it.field.0)]);
        term.literals.sort_by_key(|it| it.field);
    }
    // Terms that ask the same come to stand together, so that a value leaves few words of a row and rules the others out by their summary.
    terms.sort_by(|left, right| left.literals.cmp(&right.literals).then(left.rule.cmp(&right.rule)));
    let mentions = mentions(order.len(), &terms);
    trees.iter_mut().flatten().for_each(|it| it.renumber(&places));
    let words = terms.len().div_ceil(64);
    let mut fields: Vec<_> = fields.into_iter().map(Some).collect();
    let fields = order
        .iter()
        .zip(mentions)
        .map(|(&at, mentions)| {
            let mut bits = vec![0_u64; words].into_boxed_slice();
            mentions.iter().for_each(|&it| bits[it / 64] |= 1 << (it % 64));
            let (source, atoms) = fields[at].take().expect("each field stands in the order once");
            Field { source, atoms, mentions: bits }
        })
        .collect();
    (fields, terms, trees)
}

/// For each field, the terms that mention it.
fn mentions(fields: usize, terms: &[Term]) -> Vec<Vec<usize>> {
    let mut mentions = vec![Vec::new(); fields];
    for (at, term) in terms.iter().enumerate() {
        term.literals.iter().for_each(|it| mentions[usize::from(it.field.0)].push(at));
    }
    mentions
}
