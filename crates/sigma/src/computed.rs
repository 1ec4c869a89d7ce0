//! The fields under `nj.` that the engine computes for each event from context and behaviour: one list for `rules check`, completion, hover and
//! documentation. What computes them stands in the engine.

use std::sync::LazyLock;

/// How the names of all computed fields begin. An event's own fields of such a name are not read: nobody vouches for himself.
pub use model::path::COMPUTED_PREFIX as PREFIX;

/// What a computed field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text from the context.
    Text,
    /// A whole number, 0 or more.
    Count,
    /// Any number.
    Number,
}

impl Kind {
    /// The values it may have, where there are few.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::Flag => &["true", "false"],
            Self::Word(words) => words,
            Self::Text | Self::Count | Self::Number => &[],
        }
    }

    /// In a word or two, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Word(_) => "a word",
            Self::Text => "text",
            Self::Count => "a whole number",
            Self::Number => "a number",
        }
    }
}

/// A computed field, or several that differ in a word of their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComputedField {
    /// Its name. `<a|b>` stands for one of these words, and `<family>` for one of [`FAMILIES`].
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// The families of actions, from the taxonomy.
pub const FAMILIES: [&str; 8] = ["view", "search", "export", "edit", "credential_change", "private_read", "admin", "other"];
/// How sensitive actions are, from the taxonomy.
pub const SENSITIVITIES: [&str; 3] = ["low", "medium", "high"];
/// The steps by which an account is taken over, from the taxonomy.
pub const STEPS: [&str; 3] = ["contact_change", "factor_off", "reset"];
/// Why the actor is on duty or not; the first that holds.
pub const DUTY_REASONS: [&str; 9] =
    ["not_started", "left", "on_call", "leave", "shift", "holiday", "schedule", "off_shift", "no_schedule"];
/// What is to be said of an event's ticket; of several that hold the first in this order.
pub const TICKET_VERDICTS: [&str; 9] =
    ["missing", "unknown", "opened_after", "not_open", "wrong_target", "wrong_agent", "self_opened", "reused", "ok"];
/// Who the target is to the actor, as far as accounts of colleagues are known.
pub const RELATIONS: [&str; 6] = ["self", "manager", "report", "team", "colleague", "none"];

const fn field(name: &'static str, kind: Kind, meaning: &'static str) -> ComputedField {
    ComputedField { name, kind, meaning }
}

/// All of them.
pub const FIELDS: &[ComputedField] = &[
    field("nj.family", Kind::Word(&FAMILIES), "The family of the action, from the taxonomy."),
    field("nj.sensitive", Kind::Flag, "Whether the action is of high sensitivity, from the taxonomy."),
    field("nj.sensitivity", Kind::Word(&SENSITIVITIES), "How sensitive the action is, from the taxonomy."),
    field("nj.actor.known", Kind::Flag, "Whether the roster has the actor at the time of the event; absent without a roster."),
    field("nj.actor.role", Kind::Text, "The actor's role at the time of the event, from the roster."),
    field("nj.actor.team", Kind::Text, "The actor's team at the time of the event, from the roster."),
    field("nj.actor.manager", Kind::Text, "The actor's manager at the time of the event, from the roster."),
    field("nj.actor.employment", Kind::Text, "How the actor is employed (employee, contractor, service, …), from the roster."),
    field(
        "nj.actor.service",
        Kind::Flag,
        "Whether the actor is a service account, from the roster, the list of them, or the event.",
    ),
    field("nj.actor.on_notice", Kind::Flag, "Whether notice was given and the last day has not passed."),
    field("nj.actor.last_day", Kind::Flag, "Whether it is the actor's last day, on the actor's own calendar."),
    field("nj.actor.left", Kind::Flag, "Whether the actor's last day has passed."),
    field("nj.actor.tenure_days", Kind::Count, "Whole days since the actor's first day."),
    field(
        "nj.shift.on_duty",
        Kind::Word(&["true", "false", "unknown"]),
        "Whether the actor was on duty, by shifts, on-call, leave and holidays.",
    ),
    field("nj.shift.reason", Kind::Word(&DUTY_REASONS), "Why the actor is on duty or not."),
    field(
        "nj.ticket.needed",
        Kind::Flag,
        "Whether the action needs a ticket, from the taxonomy and the entitlements; service accounts need none.",
    ),
    field(
        "nj.ticket.verdict",
        Kind::Word(&TICKET_VERDICTS),
        "Whether the ticket that was named justifies the action; absent where nobody can tell.",
    ),
    field(
        "nj.ticket.targets",
        Kind::Count,
        "How many different targets the actor has used the ticket for within 30 days, up to 64.",
    ),
    field(
        "nj.entitlement.ok",
        Kind::Flag,
        "Whether the actor's role may do this with this tool; absent for roles that the entitlements don't know.",
    ),
    field(
        "nj.purpose.ok",
        Kind::Flag,
        "Whether the actor's role serves a purpose that the tool or data set is for; absent where none is stated.",
    ),
    field("nj.target.watchlist", Kind::Flag, "Whether the target is on a watch list; absent without one."),
    field("nj.target.tier", Kind::Text, "The tier of the target on the watch lists."),
    field(
        "nj.target.relation",
        Kind::Word(&RELATIONS),
        "Who the target is to the actor, by the accounts in the roster; absent without any.",
    ),
    field("nj.device.known", Kind::Flag, "Whether the device is in the inventory; absent without one, or without a device."),
    field("nj.device.own", Kind::Flag, "Whether the device is the actor's own, from the inventory."),
    field("nj.device.managed", Kind::Flag, "Whether the company manages the device, from the inventory."),
    field("nj.device.encrypted", Kind::Flag, "Whether the device's disk is encrypted, from the inventory."),
    field("nj.device.patched", Kind::Flag, "Whether the device is patched, from the inventory."),
    field(
        "nj.network.corporate",
        Kind::Flag,
        "Whether the event came from a corporate network; absent without a list of them, or without an address.",
    ),
    field("nj.network.name", Kind::Text, "The name of the corporate network that the event came from."),
    field("nj.actor.active_days", Kind::Count, "On how many days the actor has been active so far; 0 for somebody new."),
    field("nj.actor.idle_days", Kind::Count, "Whole days since the actor's event before; absent for somebody new."),
    field("nj.shift.p", Kind::Number, "How usual this hour of the week is for the actor."),
    field(
        "nj.rate.<family>.<10m|1h|1d>.count",
        Kind::Count,
        "How many actions of the family there were in the window, this one included.",
    ),
    field("nj.rate.<family>.<10m|1h|1d>.p_self", Kind::Number, "How usual that many are for the actor."),
    field("nj.rate.<family>.<10m|1h|1d>.p_peer", Kind::Number, "How usual that many are for the actor's peers."),
    field("nj.rate.<family>.<10m|1h|1d>.usual_p99", Kind::Count, "What the actor stays within in 99 of 100 windows."),
    field("nj.distinct.<10m|1d|7d|30d|90d>.count", Kind::Count, "How many different targets there were in the window, about."),
    field(
        "nj.distinct.<10m|1d|7d|30d|90d>.p_self",
        Kind::Number,
        "How usual that many are for the actor; of 7 days and more absent until such a window of the actor or of peers is over.",
    ),
    field(
        "nj.distinct.<10m|1d|7d|30d|90d>.p_peer",
        Kind::Number,
        "How usual that many are for the actor's peers; of 7 days and more absent until such windows of peers are over.",
    ),
    field("nj.distinct.<10m|1d|7d|30d|90d>.usual_p99", Kind::Count, "What the actor stays within in 99 of 100 windows."),
    field(
        "nj.novelty.<action|tool|ip|device|asn|country>.p",
        Kind::Number,
        "How likely something so rare was for the actor, as far as peers don't have it.",
    ),
    field(
        "nj.novelty.<action|tool|ip|device|asn|country>.p_peer",
        Kind::Number,
        "How likely something so rare is among the actor's peers.",
    ),
    field(
        "nj.novelty.<action|tool|ip|device|asn|country>.first_for_actor",
        Kind::Flag,
        "Whether the actor is not known to have had it.",
    ),
    field("nj.novelty.<action|tool|ip|device|asn|country>.first_for_peers", Kind::Flag, "Whether no peer is known to have had it."),
    field(
        "nj.share.<sensitive|watched|no_ticket>.p",
        Kind::Number,
        "How usual so large a share of the day's actions that are sensitive, about watched targets, or without the ticket they need is; 1 if it is no larger than usual.",
    ),
    field(
        "nj.slow.<targets|private_reads>.p",
        Kind::Number,
        "How usual such a rise over weeks is, as of the day before; 1 if there is none.",
    ),
    field("nj.p", Kind::Number, "How many events as surprising are expected on an active day of such a person."),
    field("nj.score", Kind::Number, "−10 · log10 of that: 40 is once in 10,000 active days."),
    field("nj.evidence", Kind::Number, "How much was known of the actor, 0 to 1."),
    field(
        "nj.risk.<1d|3d|7d|30d>",
        Kind::Number,
        "The actor's risk from behaviour and detections, this event included, that decays by half in so many days.",
    ),
    field(
        "nj.chain.takeover",
        Kind::Count,
        "How many steps of a takeover (contact change, second factor off, reset) were done to the target within 24 hours, by whomever, this event included.",
    ),
    field("nj.chain.actors", Kind::Count, "By how many people these steps were done."),
    field(
        "nj.chain.targets",
        Kind::Count,
        "On how many targets the actor has done at least two of these steps within 24 hours, this event included; at most 8.",
    ),
    field("nj.target.actors_24h", Kind::Count, "How many people touched the target within 24 hours, this one included."),
    field("nj.target.actors_7d", Kind::Count, "The same within 7 days; only of targets on watch lists."),
    field(
        "nj.target.unticketed_24h",
        Kind::Count,
        "How many of the people of the latest 24 hours lacked the ticket that was needed at least once.",
    ),
    field(
        "nj.target.p",
        Kind::Number,
        "How usual as many people within 24 hours are for the target in its class; small is unusual.",
    ),
    field(
        "nj.target.first_actor",
        Kind::Flag,
        "Whether the actor is not remembered among those who touched the target in the latest days.",
    ),
    field(
        "nj.target.relay",
        Kind::Count,
        "How many seconds ago somebody else looked the target up, within 24 hours; only of changes of credentials and exports.",
    ),
];

/// Whether a field is read from the profile of the event's actor: costly ones among them, and few events need any, so that they are computed
/// when a rule that would match otherwise asks for them.
pub fn is_of_profile(name: &str) -> bool {
    const NAMES: [&str; 7] = ["actor.active_days", "actor.idle_days", "shift.p", "chain.targets", "p", "score", "evidence"];
    const KINDS: [&str; 6] = ["rate.", "distinct.", "novelty.", "share.", "slow.", "risk."];
    let name = name.strip_prefix(PREFIX).map(|it| it.trim_start_matches('.'));
    name.is_some_and(|it| NAMES.contains(&it) || KINDS.iter().any(|kind| it.starts_with(kind)))
}

/// Whether a field is known only where an event's target is kept, since it tells what others did to it.
pub fn is_of_target(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "nj.chain.takeover",
        "nj.chain.actors",
        "nj.target.actors_24h",
        "nj.target.actors_7d",
        "nj.target.unticketed_24h",
        "nj.target.p",
        "nj.target.first_actor",
        "nj.target.relay",
    ];
    name.starts_with(PREFIX) && NAMES.contains(&name)
}

/// The names of all computed fields, each word of a name written out, with the entry that it comes from.
pub fn names() -> &'static [(String, &'static ComputedField)] {
    static NAMES: LazyLock<Vec<(String, &'static ComputedField)>> =
        LazyLock::new(|| FIELDS.iter().flat_map(|field| written_out(field.name).into_iter().map(move |it| (it, field))).collect());
    &NAMES
}

/// The field of that name.
pub fn find(name: &str) -> Option<&'static ComputedField> {
    names().iter().find(|(it, _)| it == name).map(|(_, field)| *field)
}

/// Whether the field of that name is a p-value: from 0 to 1, small where something is out of the ordinary.
pub fn is_p_value(name: &str) -> bool {
    name != "nj.p" && matches!(name.rsplit('.').next(), Some("p" | "p_self" | "p_peer"))
}

/// The names that a name with `<a|b>` in it stands for.
fn written_out(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('<') else { return vec![name.to_owned()] };
    let (words, after) = rest.split_once('>').expect("the names above are well-formed");
    let words: Vec<&str> = if words == "family" { FAMILIES.to_vec() } else { words.split('|').collect() };
    let tails = written_out(after);
    words.iter().flat_map(|word| tails.iter().map(move |tail| format!("{before}{word}{tail}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_there_once_and_begins_with_the_prefix() {
        let names: Vec<&str> = names().iter().map(|(it, _)| it.as_str()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|it| it.starts_with(PREFIX) && !it.contains(['<', '>', '|'])), "{names:?}");
    }

    #[test]
    fn words_of_a_name_are_written_out() {
        assert_eq!(written_out("a.<x|y>.<1|2>"), ["a.x.1", "a.x.2", "a.y.1", "a.y.2"]);
        assert_eq!(find("nj.rate.view.10m.count").map(|it| it.kind), Some(Kind::Count));
        assert_eq!(find("nj.rate.<family>.10m.count"), None);
    }
}
