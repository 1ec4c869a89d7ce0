//! The text of a new rule and of its page, for each source.
//!
//! The placeholder action carries the rule's name, so that a fresh rule fires on its own page and on nothing else, and no other rule
//! of the pack fires on its page.

/// What a template knows of a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Template {
    source: &'static str,
    logsource: &'static str,
    /// The field that says what was done, and the one that says who.
    action: &'static str,
    actor: &'static str,
    /// Fields for the alert.
    fields: &'static [&'static str],
    /// An event; `<time>`, `<actor>` and `<action>` are put in.
    event: &'static str,
}

const TEMPLATES: [Template; 4] = [
    Template {
        source: "native",
        logsource: "  product: nightjar\n  service: audit\n",
        action: "action",
        actor: "actor.id",
        fields: &["actor.id", "actor.role", "action", "target.id", "justification.ticket"],
        event: r#"{"time":"<time>","actor":{"id":"<actor>"},"action":"<action>","target":{"type":"account","id":"42"}}"#,
    },
    Template {
        source: "cloudtrail",
        logsource: "  product: aws\n  service: cloudtrail\n",
        action: "eventName",
        actor: "userIdentity.arn",
        fields: &["userIdentity.arn", "eventSource", "eventName", "sourceIPAddress"],
        event: concat!(
            r#"{"eventVersion":"1.08","eventTime":"<time>","eventSource":"iam.amazonaws.com","eventName":"<action>","#,
            r#""awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","#,
            r#""userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/<actor>","userName":"<actor>"}}"#
        ),
    },
    Template {
        source: "okta",
        logsource: "  product: okta\n  service: okta\n",
        action: "eventType",
        actor: "actor.alternateId",
        fields: &["actor.alternateId", "eventType", "outcome.result", "client.ipAddress"],
        event: concat!(
            r#"{"published":"<time>","eventType":"<action>","outcome":{"result":"SUCCESS"},"#,
            r#""actor":{"id":"00u1","type":"User","alternateId":"<actor>"}}"#
        ),
    },
    Template {
        source: "github",
        logsource: "  product: github\n  service: audit\n",
        action: "action",
        actor: "actor",
        fields: &["actor", "action", "org", "repo"],
        event: r#"{"@timestamp":"<time>","actor":"<actor>","action":"<action>","org":"acme","repo":"acme/site"}"#,
    },
];

/// How many matches make a new correlation fire.
const COUNT: usize = 3;

impl Template {
    pub(super) fn sources() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|it| it.source)
    }

    pub(super) fn for_source(source: &str) -> Option<Self> {
        TEMPLATES.into_iter().find(|it| it.source == source)
    }

    /// The `.yml`; with `is_correlation`, a base rule and a correlation that counts it.
    pub(super) fn rule(&self, name: &str, ids: &[String; 2], today: &str, is_correlation: bool) -> String {
        if !is_correlation {
            return self.detection(name, &words(name), &ids[0], today, "medium", true);
        }
        let base = base_of(name);
        let detection = self.detection(&base, &format!("{} (one step)", words(name)), &ids[0], today, "informational", false);
        let title = words(name);
        format!(
            "{detection}---\n\
             title: {title}\n\
             name: {name}\n\
             id: {}\n\
             status: experimental\n\
             description: >-\n  Somebody does it {COUNT} times in ten minutes. Say here what that means and why it matters.\n\
             author: {AUTHOR}\n\
             date: {today}\n\
             {TAGS}\
             correlation:\n  type: event_count\n  rules:\n    - {base}\n  group-by:\n    - {}\n  timespan: 10m\n  \
             condition:\n    gte: {COUNT}\n\
             {}\
             level: medium\n",
            ids[1], self.actor, FALSE_POSITIVES,
        )
    }

    fn detection(&self, name: &str, title: &str, id: &str, today: &str, level: &str, alerts: bool) -> String {
        let fields = self.fields.join("\n  - ");
        let (logsource, action) = (self.logsource, self.action);
        let value = action_of(name);
        let own_name = if alerts { String::new() } else { format!("name: {name}\n") };
        let (tags, false_positives) = if alerts { (TAGS, FALSE_POSITIVES) } else { ("", "") };
        format!(
            "title: {title}\n\
             {own_name}\
             id: {id}\n\
             status: experimental\n\
             description: >-\n  Say here what somebody does and why it matters.\n\
             author: {AUTHOR}\n\
             date: {today}\n\
             {tags}\
             logsource:\n{logsource}\
             detection:\n  selection:\n    {action}: {value}\n  condition: selection\n\
             fields:\n  - {fields}\n\
             {false_positives}\
             level: {level}\n"
        )
    }

    /// The `.md`: a case that fires and a near miss that stays quiet.
    pub(super) fn page(&self, name: &str, is_correlation: bool) -> String {
        let title = words(name);
        let (fires, quiet) = if is_correlation {
            let step = action_of(&base_of(name));
            (self.events(&step, COUNT), self.events(&step, COUNT - 1))
        } else {
            let action = action_of(name);
            (self.events(&action, 1), self.events(&format!("{action}_not"), 1))
        };
        let (fires_on, quiet_on) = if is_correlation {
            (format!("{COUNT} of them in ten minutes"), "one fewer")
        } else {
            ("the action".to_owned(), "another action")
        };
        let actor = self.actor_in_alert();
        format!(
            "# {title}\n\n\
             Say in one or two sentences what happened when this fires, and why it matters.\n\n\
             **Usual false positives:** who does this in the course of ordinary work?\n\
             **First questions:** what does an analyst look at first?\n\n\
             ## Fires on {fires_on}\n\n\
             ```events\n{fires}```\n\n\
             ```expect\nshadow medium {actor} {name}\n```\n\n\
             ## Stays quiet on {quiet_on}\n\n\
             ```events\n{quiet}```\n\n\
             ```expect\n```\n"
        )
    }

    fn events(&self, action: &str, count: usize) -> String {
        let event = |number: usize| {
            let event = self.event.replace("<time>", &format!("2026-03-02T10:{number:02}:00Z"));
            event.replace("<actor>", "ana").replace("<action>", action) + "\n"
        };
        (0..count).map(event).collect()
    }

    /// Who acted, as the source's mapping reads the event.
    fn actor_in_alert(&self) -> &'static str {
        match self.source {
            "cloudtrail" => "arn:aws:iam::111122223333:user/ana",
            _ => "ana",
        }
    }
}

const AUTHOR: &str = "Your name";
/// Valid accounts: what misuse of internal tools nearly always is, whatever else it is.
const TAGS: &str = "tags:\n  - attack.t1078\n";
const FALSE_POSITIVES: &str = "falsepositives:\n  - Say here who does this in the course of ordinary work\n";

/// The rule that the new correlation `name` counts.
pub(super) fn base_of(name: &str) -> String {
    format!("{name}_step")
}

/// `bulk_export` → `Bulk export`
fn words(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut chars = text.chars();
    chars.next().map(|it| it.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The action that a new rule looks for: its own name, so that nothing else fires on it.
fn action_of(name: &str) -> String {
    format!("todo.{name}")
}
