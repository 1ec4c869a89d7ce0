//! From documents to a [`Program`] for one source: fields become slots, predicates atoms, conditions terms of a disjunctive normal form.

mod atoms;
mod bind;
mod content;
mod deferred;
mod glob;
mod index;
mod literals;
mod needle;
mod ranges;
mod terms;

pub use atoms::{Atom, AtomSet, FieldAtoms, number};
pub use bind::{Binding, CorrelationPlan, keep_with_what_is_below};
pub(crate) use index::TextScratch;
pub use ranges::Ranges;
pub use terms::{Literal, Node, Term};

use crate::ast::{Condition, Correlation, Document, Item, LEVELS_MAX, Predicate, Relation, Rule, Search, Selection, TimePart};
use crate::computed::{is_of_profile, is_of_target};
use crate::number::Number;
use crate::problem::{Code, Problem};
use hashbrown::HashMap;
use model::source::Admission;
use model::{FieldPath, RuleInfo, Schema, SlotId};
use std::sync::Arc;

/// Levels are counted up to here, whatever a set that was not checked goes round in.
#[expect(clippy::cast_possible_truncation, reason = "8")]
const LEVEL_MAX: u8 = LEVELS_MAX as u8;

/// Index of a detection rule in [`RuleSet::rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u32);

/// Index of a correlation in [`RuleSet::correlations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationIndex(pub u32);

/// Index of a field in [`Program::fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIndex(pub u16);

/// What a correlation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Member {
    /// The matches of a rule.
    Rule(RuleIndex),
    /// The alerts of another correlation.
    Correlation(CorrelationIndex),
}

/// All loaded rules, independent of any source.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// Detection rules in the order of their names.
    pub rules: Vec<Rule>,
    /// Correlations in the order of their names.
    pub correlations: Vec<Correlation>,
    /// Whether a rule alerts by itself: `false` for one that only feeds correlations.
    pub alerts_itself: Vec<bool>,
    /// For each correlation, the hash of what it and everything that it is over look for: the same as long as its windows mean the same.
    pub contents: Vec<u64>,
    /// The same for each correlation.
    pub correlation_alerts_itself: Vec<bool>,
    /// For each correlation, what each of its rules is; `None` for one that is not there.
    pub members: Vec<Vec<Option<Member>>>,
    /// For each correlation, how many levels of others are below it: 0 over rules alone.
    pub levels: Vec<u8>,
    /// For each correlation, those that build on it, and as which of their rules.
    pub uppers: Vec<Vec<(CorrelationIndex, u16)>>,
    /// Hash of the whole set: 16 hexadecimal digits over the versions of its rules.
    pub hash: Arc<str>,
}

impl RuleSet {
    /// Sorts documents into a set. The order of the documents does not matter: alerts come out the same however files are listed.
    /// Filters are laid on the rules that they are for.
    pub fn new(mut documents: Vec<Document>) -> Self {
        crate::filters::apply(&mut documents);
        let mut set = Self::default();
        for document in documents {
            match document {
                Document::Rule(rule) => set.rules.push(rule),
                Document::Correlation(correlation) => set.correlations.push(correlation),
                Document::Filter(_) => {}
            }
        }
        let key = |info: &RuleInfo| (info.name.clone(), info.id.clone());
        set.rules.sort_by_cached_key(|it| key(&it.info));
        set.correlations.sort_by_cached_key(|it| key(&it.info));
        set.connect();
        set.contents = content::of_correlations(&set.rules, &set.correlations);
        set.hash = set.content_hash();
        set
    }

    /// Finds out what builds on what.
    fn connect(&mut self) {
        self.members = members(&self.rules, &self.correlations);
        self.levels = levels(&self.members);
        self.uppers = vec![Vec::new(); self.correlations.len()];
        // For each, whether anything is over it, and whether that lets it alert.
        let mut rule_users = vec![(false, false); self.rules.len()];
        let mut correlation_users = vec![(false, false); self.correlations.len()];
        for (index, members) in (0_u32..).zip(&self.members) {
            let generate = self.correlations[index as usize].generate;
            for (step, member) in (0_u16..).zip(members) {
                let user = match member {
                    Some(Member::Rule(rule)) => &mut rule_users[rule.0 as usize],
                    Some(Member::Correlation(below)) => {
                        // What goes round in circles is refused when files are loaded; a set made otherwise stays finite.
                        if self.levels[below.0 as usize] < self.levels[index as usize] {
                            self.uppers[below.0 as usize].push((CorrelationIndex(index), step));
                        }
                        &mut correlation_users[below.0 as usize]
                    }
                    None => continue,
                };
                *user = (true, user.1 || generate);
            }
        }
        let alerts = |is_muted: bool, (is_used, generate): (bool, bool)| generate || !(is_used || is_muted);
        self.alerts_itself = self.rules.iter().zip(rule_users).map(|(it, users)| alerts(it.is_muted, users)).collect();
        self.correlation_alerts_itself =
            self.correlations.iter().zip(correlation_users).map(|(it, users)| alerts(it.is_muted, users)).collect();
    }

    /// The rule at the end of a way down from a correlation, as in [`Self::field_of`]. `None` if there is none.
    pub fn rule_at(&self, correlation: CorrelationIndex, path: &[u16]) -> Option<RuleIndex> {
        let mut correlation = correlation;
        for &step in path {
            match (*self.members.get(correlation.0 as usize)?.get(usize::from(step))?)? {
                Member::Rule(rule) => return Some(rule),
                Member::Correlation(below) => correlation = below,
            }
        }
        None
    }

    /// The field that the group-by name `name` of a correlation stands for in the event that made it fire. `path` is how it came to
    /// that: which of its rules matched, and while that is a correlation, which of that one's.
    pub fn field_of<'s>(&'s self, correlation: CorrelationIndex, path: &[u16], name: &'s FieldPath) -> &'s FieldPath {
        let (mut correlation, mut name) = (correlation, name);
        for &step in path {
            let above = &self.correlations[correlation.0 as usize];
            match self.members[correlation.0 as usize].get(usize::from(step)).copied().flatten() {
                Some(Member::Rule(rule)) => return bind::field_of(above, &self.rules[rule.0 as usize].info, name),
                Some(Member::Correlation(below)) => {
                    name = bind::field_of(above, &self.correlations[below.0 as usize].info, name);
                    correlation = below;
                }
                None => return name,
            }
        }
        name
    }

    /// FNV-1a (64 bit) over the identifiers and versions of all rules.
    fn content_hash(&self) -> Arc<str> {
        let infos = self.rules.iter().map(|it| &it.info).chain(self.correlations.iter().map(|it| &it.info));
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for info in infos {
            for byte in info.id.bytes().chain([0]).chain(info.version.bytes()).chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}").into()
    }
}

/// What the names in each correlation mean.
fn members(rules: &[Rule], correlations: &[Correlation]) -> Vec<Vec<Option<Member>>> {
    let rules = (0_u32..).zip(rules).map(|(at, it)| (&it.info, Member::Rule(RuleIndex(at))));
    let both = rules.chain((0_u32..).zip(correlations).map(|(at, it)| (&it.info, Member::Correlation(CorrelationIndex(at)))));
    let (mut names, mut ids) = (HashMap::new(), HashMap::new());
    for (info, member) in both {
        names.entry(info.name.as_str()).or_insert(member);
        ids.entry(info.id.as_str()).or_insert(member);
    }
    let member = |name: &String| names.get(name.as_str()).or_else(|| ids.get(name.as_str())).copied();
    correlations.iter().map(|it| it.rules.iter().map(member).collect()).collect()
}

/// How many levels of other correlations are below each.
fn levels(members: &[Vec<Option<Member>>]) -> Vec<u8> {
    let mut levels = vec![0_u8; members.len()];
    for _ in 0..LEVELS_MAX {
        for (index, members) in members.iter().enumerate() {
            let below = members.iter().filter_map(|it| match it {
                Some(Member::Correlation(below)) => Some(levels[below.0 as usize] + 1),
                _ => None,
            });
            levels[index] = below.max().unwrap_or(0).min(LEVEL_MAX);
        }
    }
    levels
}

/// What a field's value is computed from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FieldSource {
    /// A decoded field.
    Slot(SlotId),
    /// A part of a time, on the clock of the event's actor.
    TimePart(SlotId, TimePart),
    /// Whether two fields of the event are in a relation; the flag says whether case matters.
    Related(SlotId, SlotId, Relation, bool),
    /// Every string of the event.
    Keywords,
}

/// A field that some rule tests, with everything that is tested about it.
#[derive(Debug)]
pub struct Field {
    /// Where its value comes from.
    pub source: FieldSource,
    /// The tests.
    pub atoms: FieldAtoms,
    /// The bits of the terms that mention it.
    pub mentions: Box<[u64]>,
}

/// The rules of one source, compiled: immutable, shared by all shards that read the source.
#[derive(Debug)]
pub struct Program {
    /// The rules it was compiled from.
    pub rules: Arc<RuleSet>,
    /// How to decode the source's events.
    pub schema: Schema,
    /// The tested fields, in the order in which they are looked at.
    pub fields: Vec<Field>,
    /// The terms; those that ask the same stand together.
    pub terms: Vec<Term>,
    /// For each rule that this source feeds, its condition over literals, for confirmation and explanation.
    pub trees: Vec<Option<Node>>,
    /// For each rule, what correlations want of its matches.
    pub bindings: Vec<Vec<Binding>>,
    /// For each correlation, its plan.
    pub plans: Vec<CorrelationPlan>,
    /// For each rule, whether it looks at what is known only where an event's target is kept. That it matches means that it may, and
    /// whoever knows the rest asks [`crate::matcher::Matcher::condition_holds`].
    pub deferred: Vec<bool>,
    /// For each rule, whether it looks at the profile of an event's actor. That it matches means that it may, whatever the profile says;
    /// whoever knows that asks [`crate::matcher::Matcher::condition_holds`].
    pub asks_profile: Vec<bool>,
}

impl Program {
    /// Compiles the rules of `set` that want the events of `schema`'s source; the fields they test are added to its projection.
    /// What can't be compiled is left out and reported; the rest works.
    pub fn compile(set: &Arc<RuleSet>, mut schema: Schema, problems: &mut Vec<Problem>) -> Self {
        let routes = crate::routing::conditions(&schema.mapping).unwrap_or_else(|reason| {
            problems.push(Problem::error(Code::NotCompiled, &schema.mapping.name, 1, 1, reason));
            Vec::new()
        });
        let mut builder = Builder::new(&mut schema);
        let mut trees = Vec::with_capacity(set.rules.len());
        for rule in &set.rules {
            let tree = builder.routed(rule, &routes).unwrap_or_else(|reason| {
                problems.push(Problem::error(Code::NotCompiled, &rule.place.file, rule.place.line, 1, reason));
                None
            });
            trees.push(tree);
        }
        let projection = &builder.schema.projection;
        let needing = |is_such| builder.fields.iter().map(|(it, _)| deferred::needs(it, projection, is_such)).collect();
        let (of_target, of_profile): (Vec<bool>, Vec<bool>) = (needing(is_of_target), needing(is_of_profile));
        let deferred = deferred::of_rules(set, &trees, &of_target);
        let asks_profile = |tree: &Node| tree.any(&mut |it| of_profile[usize::from(it.field.0)]);
        let asks_profile: Vec<bool> = trees.iter().map(|it| it.as_ref().is_some_and(asks_profile)).collect();
        let (bindings, plans) = bind::bind(set, &mut builder, &trees, &deferred, problems);
        let fields = builder.fields;
        let mut terms = Vec::new();
        for (index, tree) in trees.iter().enumerate() {
            let index = u32::try_from(index).expect("rules are far fewer than 2^32");
            let of_rule = tree.iter().flat_map(|it| terms::of_rule(RuleIndex(index), it));
            let (is_deferred, asks_profile) = (deferred[index as usize], asks_profile[index as usize]);
            let is_unknown = |it: FieldIndex| is_deferred && of_target[usize::from(it.0)] || of_profile[usize::from(it.0)];
            terms.extend(of_rule.map(|it| if is_deferred || asks_profile { deferred::relaxed(it, is_unknown) } else { it }));
        }
        let (fields, terms, trees) = terms::in_order(fields, terms, trees);
        Self { rules: Arc::clone(set), schema, fields, terms, trees, bindings, plans, deferred, asks_profile }
    }

    /// Arranges the tests of all fields now. It is done on demand otherwise: by the first event that has a text in such a field.
    pub fn prepare(&self) {
        self.fields.iter().for_each(|it| it.atoms.prepare());
    }

    /// How many 64-bit words a set of terms takes.
    pub fn words(&self) -> usize {
        self.terms.len().div_ceil(64)
    }

    /// How many words a summary of a set of terms takes: a bit per word.
    pub(crate) fn summary_words(&self) -> usize {
        self.words().div_ceil(64)
    }

    /// How many words a row takes: its summary and its set of terms.
    pub(crate) fn row_words(&self) -> usize {
        self.summary_words() + self.words()
    }

    /// Makes `words` the set of all terms.
    pub(crate) fn fill_with_all_terms(&self, words: &mut [u64]) {
        words.fill(u64::MAX);
        let rest = self.terms.len() % 64;
        if let Some(last) = words.last_mut().filter(|_| rest != 0) {
            *last = (1 << rest) - 1;
        }
    }

    /// Bytes that the compiled rules hold, about, without their documents and without regular expressions, which don't tell.
    pub fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|it| it.atoms.bytes() + it.mentions.len() * 8).sum();
        let terms: usize = self.terms.iter().map(Term::bytes).sum();
        let trees: usize = self.trees.iter().flatten().map(Node::bytes).sum();
        fields + terms + trees
    }

    /// How many rules this source feeds.
    pub fn rules_active(&self) -> usize {
        self.trees.iter().flatten().count()
    }
}

/// Collects fields and atoms while rules are compiled.
pub(crate) struct Builder<'s> {
    pub(crate) schema: &'s mut Schema,
    fields: Vec<(FieldSource, FieldAtoms)>,
    slots: HashMap<FieldPath, SlotId>,
    places: HashMap<FieldSource, usize>,
}

const NO_MORE_SLOTS: &str = "the rules need more than 65,535 different fields: split the rule set by source";

impl Builder<'_> {
    fn new(schema: &mut Schema) -> Builder<'_> {
        Builder { schema, fields: Vec::new(), slots: HashMap::new(), places: HashMap::new() }
    }

    pub(crate) fn slot(&mut self, path: &FieldPath) -> Result<SlotId, String> {
        if let Some(&slot) = self.slots.get(path) {
            return Ok(slot);
        }
        let slot = self.schema.projection.intern(path).ok_or_else(|| NO_MORE_SLOTS.to_owned())?;
        self.slots.insert(path.clone(), slot);
        Ok(slot)
    }

    fn field(&mut self, source: FieldSource) -> Result<FieldIndex, String> {
        let next = self.fields.len();
        let fields = &mut self.fields;
        let at = *self.places.entry(source).or_insert_with_key(|source| {
            fields.push((source.clone(), FieldAtoms::default()));
            next
        });
        u16::try_from(at).map(FieldIndex).map_err(|_| NO_MORE_SLOTS.to_owned())
    }

    /// The condition of a rule on the events of this source, that of its log source included; `None` if it does not run or sees none of
    /// them.
    fn routed(&mut self, rule: &Rule, routes: &[Option<Search>]) -> Result<Option<Node>, String> {
        let admitted = match self.schema.mapping.admission(&rule.logsource) {
            _ if !rule.info.status.runs() => return Ok(None),
            Admission::None => return Ok(None),
            Admission::All => return self.rule(rule).map(Some),
            Admission::When(admitted) => admitted,
        };
        let conditions = admitted.into_iter().filter_map(|it| routes.get(it)?.as_ref());
        let of_logsource = Node::Or(conditions.map(|it| self.search(it)).collect::<Result<_, _>>()?);
        Ok(Some(Node::And(vec![of_logsource, self.rule(rule)?]).simplified()))
    }

    /// The rule's condition and those of its filters.
    fn rule(&mut self, rule: &Rule) -> Result<Node, String> {
        let mut parts = vec![self.condition(&rule.selections, &rule.condition)?];
        for filter in &rule.filters {
            parts.push(self.condition(&filter.selections, &filter.condition)?);
        }
        Ok(Node::And(parts).simplified())
    }

    fn condition(&mut self, selections: &[Selection], condition: &Condition) -> Result<Node, String> {
        let searches = selections.iter().map(|it| self.search(&it.search)).collect::<Result<Vec<_>, _>>()?;
        Ok(condition_node(condition, &searches))
    }

    fn search(&mut self, search: &Search) -> Result<Node, String> {
        Ok(match search {
            Search::All(parts) => Node::And(parts.iter().map(|it| self.search(it)).collect::<Result<_, _>>()?),
            Search::Any(parts) => Node::Or(parts.iter().map(|it| self.search(it)).collect::<Result<_, _>>()?),
            Search::Item(item) => self.item(item)?,
        })
    }

    /// The condition that one line of a selection puts on the event.
    pub(crate) fn item(&mut self, item: &Item) -> Result<Node, String> {
        let Some(path) = &item.field else {
            return self.same_field(item, FieldSource::Keywords);
        };
        let slot = self.slot(path)?;
        let mut parts = Vec::with_capacity(1);
        let (mut plain, mut elsewhere) = (item.clone(), Vec::new());
        plain.predicates.retain(|it| {
            let is_plain = !matches!(it, Predicate::FieldRef { .. } | Predicate::TimePart { .. });
            if !is_plain {
                elsewhere.push(it.clone());
            }
            is_plain
        });
        if !plain.predicates.is_empty() || elsewhere.is_empty() {
            plain.negated = false;
            parts.push(self.same_field(&plain, FieldSource::Slot(slot))?);
        }
        for predicate in &elsewhere {
            let (source, atom) = match predicate {
                Predicate::FieldRef { other, relation, cased } => {
                    (FieldSource::Related(slot, self.slot(other)?, *relation, *cased), Atom::Bool(true))
                }
                Predicate::TimePart { part, compare, with } => {
                    (FieldSource::TimePart(slot, *part), Atom::number(*compare, Number::from(*with)))
                }
                _ => continue,
            };
            let field = self.field(source)?;
            let atom = self.fields[usize::from(field.0)].1.intern(atom);
            parts.push(Node::Literal(Literal::atom(field, atom)));
        }
        let positive = if item.all { Node::And(parts) } else { Node::Or(parts) };
        if !item.negated {
            return Ok(positive);
        }
        let field = self.field(FieldSource::Slot(slot))?;
        let exists = self.fields[usize::from(field.0)].1.intern(Atom::Exists);
        Ok(Node::And(vec![Node::Literal(Literal::atom(field, exists)), positive.negated()]))
    }

    fn same_field(&mut self, item: &Item, source: FieldSource) -> Result<Node, String> {
        let field = self.field(source)?;
        let atoms = &mut self.fields[usize::from(field.0)].1;
        let literals = item.predicates.iter().map(|it| atoms.literal(field, it)).collect::<Result<Vec<_>, _>>()?;
        let nodes = literals.into_iter().map(Node::Literal).collect();
        Ok(if item.all { Node::And(nodes) } else { Node::Or(nodes) }.simplified())
    }
}

/// The condition with each selection in the place of its name.
fn condition_node(condition: &Condition, searches: &[Node]) -> Node {
    match condition {
        Condition::And(parts) => Node::And(parts.iter().map(|it| condition_node(it, searches)).collect()),
        Condition::Or(parts) => Node::Or(parts.iter().map(|it| condition_node(it, searches)).collect()),
        Condition::Not(inner) => condition_node(inner, searches).negated(),
        Condition::Selection(at) => searches[*at].clone(),
    }
}
