//! A validator of OCSF events over the compiled schema in the corpora, and that every shape of alert passes it.

use flate2::read::GzDecoder;
use model::alert::OriginRef;
use model::source::Outcome;
use model::{
    ActorRef, Alert, Contribution, Delivery, Deviation, EventTime, Evidence, Exception, Incident, IncidentFinding, Level, RuleInfo,
    RuleKind, Standing, Status, TargetRef, Triaged, WindowInfo,
};
use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The compiled OCSF schema: classes, objects, types.
pub(crate) struct Schema {
    json: Value,
    /// The form of each scalar type that has one.
    forms: HashMap<String, Regex>,
}

/// The schema of the corpora, or `None`, said aloud, where they are absent.
pub(crate) fn schema() -> Option<&'static Schema> {
    static SCHEMA: OnceLock<Option<Schema>> = OnceLock::new();
    SCHEMA
        .get_or_init(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/ocsf/ocsf-1.8.0.json.gz");
            let Ok(file) = std::fs::File::open(&path) else {
                eprintln!("skipped: there is no {}", path.display());
                return None;
            };
            Some(Schema::new(serde_json::from_reader(GzDecoder::new(file)).unwrap()))
        })
        .as_ref()
}

impl Schema {
    fn new(json: Value) -> Self {
        let types = json["types"].as_object().unwrap();
        let with_form = types.iter().filter_map(|(name, it)| Some((name.clone(), it["regex"].as_str()?)));
        let forms = with_form.map(|(name, form)| (name, Regex::new(form).unwrap())).collect();
        Self { json, forms }
    }

    fn class(&self, uid: &Value) -> Option<&Value> {
        self.json["classes"].as_object()?.values().find(|it| &it["uid"] == uid)
    }

    fn object(&self, name: &str) -> Option<&Value> {
        self.json["objects"].get(name)
    }

    /// The type that a scalar type is made of; `string_t` for `email_t`.
    fn base<'s>(&'s self, name: &'s str) -> &'s str {
        self.json["types"][name]["type"].as_str().unwrap_or(name)
    }
}

/// Everything that is wrong with an event, each with its path: missing required attributes, unknown ones, those of profiles that are
/// not applied, wrong types, forms and enum values, broken constraints, a `type_uid` that is not that of class and activity.
pub(crate) fn validate(schema: &Schema, event: &Value) -> Vec<String> {
    let Some(class) = schema.class(&event["class_uid"]) else {
        return vec![format!("class_uid: unknown class {}", event["class_uid"])];
    };
    let profiles = event["metadata"]["profiles"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut check = Check { schema, profiles, errors: Vec::new() };
    match event.as_object() {
        Some(fields) => check.fields(fields, class, ""),
        None => check.errors.push("not an object".to_owned()),
    }
    let type_uid = event["class_uid"].as_i64().unwrap_or(0) * 100 + event["activity_id"].as_i64().unwrap_or(0);
    if event["type_uid"] != json!(type_uid) {
        check.errors.push(format!("type_uid: {} is not {type_uid}", event["type_uid"]));
    }
    check.errors
}

struct Check<'s> {
    schema: &'s Schema,
    profiles: &'s [Value],
    errors: Vec<String>,
}

impl<'s> Check<'s> {
    fn fields(&mut self, fields: &Map<String, Value>, definition: &'s Value, path: &str) {
        let attributes = definition["attributes"].as_object().unwrap();
        for (name, attribute) in attributes {
            if attribute["requirement"] == "required" && self.is_applied(attribute) && !fields.contains_key(name) {
                self.errors.push(format!("{path}.{name}: missing"));
            }
        }
        self.constraints(fields, definition, path);
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            match attributes.get(name) {
                None => self.errors.push(format!("{path}: unknown attribute")),
                Some(attribute) if !self.is_applied(attribute) => {
                    self.errors.push(format!("{path}: of a profile that is not applied"));
                }
                Some(_) if value.is_null() => {}
                Some(attribute) => self.attribute(value, attribute, &path),
            }
        }
    }

    /// Whether an attribute belongs to the class or object itself or to a profile that the event applies.
    fn is_applied(&self, attribute: &Value) -> bool {
        attribute["profile"].is_null() || self.profiles.contains(&attribute["profile"])
    }

    fn constraints(&mut self, fields: &Map<String, Value>, definition: &Value, path: &str) {
        let Some(constraints) = definition["constraints"].as_object() else { return };
        for (kind, names) in constraints {
            let count = names.as_array().unwrap().iter().filter(|it| fields.contains_key(it.as_str().unwrap())).count();
            if count == 0 || (kind == "just_one" && count > 1) {
                self.errors.push(format!("{path}: {count} of {kind} {names}"));
            }
        }
    }

    fn attribute(&mut self, value: &Value, attribute: &'s Value, path: &str) {
        if attribute["is_array"] != true {
            return self.value(value, attribute, path);
        }
        match value.as_array() {
            Some(elements) => elements.iter().for_each(|it| self.value(it, attribute, path)),
            None => self.errors.push(format!("{path}: not an array")),
        }
    }

    fn value(&mut self, value: &Value, attribute: &'s Value, path: &str) {
        let name = attribute["object_type"].as_str().or(attribute["type"].as_str()).unwrap();
        if let Some(object) = self.schema.object(name) {
            let is_open = object["attributes"].as_object().is_none_or(Map::is_empty);
            return match value.as_object() {
                None => self.errors.push(format!("{path}: not an object ({name})")),
                Some(_) if is_open => {}
                Some(fields) => self.fields(fields, object, path),
            };
        }
        if !self.is_of(value, name) {
            self.errors.push(format!("{path}: {value} is no {name}"));
        }
        let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if attribute["enum"].as_object().is_some_and(|it| !it.is_empty() && !it.contains_key(&word)) {
            self.errors.push(format!("{path}: {value} is not in the enum"));
        }
    }

    fn is_of(&self, value: &Value, name: &str) -> bool {
        let has_form = |text: &str| self.schema.forms.get(name).is_none_or(|it| it.is_match(text));
        let length_max = self.schema.json["types"][name]["max_len"].as_u64().unwrap_or(u64::MAX);
        match self.schema.base(name) {
            "string_t" => value.as_str().is_some_and(|it| has_form(it) && it.chars().count() as u64 <= length_max),
            "integer_t" | "long_t" => value.as_i64().is_some(),
            "boolean_t" => value.is_boolean(),
            "float_t" => value.is_number(),
            "json_t" => true,
            other => panic!("the schema has a type that this validator does not know: {other}"),
        }
    }
}

fn finding_of(alert: &Alert) -> Value {
    let mut out = Vec::new();
    alert.write_ocsf(&mut out);
    serde_json::from_slice(&out).unwrap()
}

/// An alert with every text set to `text`, and with the optional parts whose bits are set.
fn alert(text: &str, parts: u32) -> Alert {
    let has = |bit: u32| parts >> bit & 1 == 1;
    let some = |bit: u32| has(bit).then(|| text.to_owned());
    let texts = |bit: u32| if has(bit) { vec![text.to_owned(), "other".to_owned()] } else { vec![] };
    let rule = RuleInfo {
        id: text.to_owned(),
        name: text.to_owned(),
        title: text.to_owned(),
        description: text.to_owned(),
        version: text.to_owned(),
        level: Level::ALL[parts as usize % 5],
        status: Status::ALL[parts as usize % 5],
        kind: [RuleKind::Detection, RuleKind::Correlation, RuleKind::Behaviour][parts as usize % 3],
        tags: ["attack.t1098", "attack.t1098.001", "attack.stealth", text]
            .iter()
            .take(parts as usize % 5)
            .map(|&it| it.into())
            .collect(),
        false_positives: texts(1),
        references: texts(1),
        fields: texts(1),
        author: text.to_owned(),
    };
    let window = WindowInfo {
        group: vec![(text.to_owned(), text.to_owned())],
        first: EventTime::MIN,
        last: EventTime::from_ms(i64::MAX),
        timespan_ms: 1,
        count: u64::MAX,
        value: Some(120_000.0),
        counted: text.to_owned(),
        condition: text.to_owned(),
    };
    let evidence = Evidence { field: text.to_owned(), value: json!([text, 1.5, null, {"a": {}}]) };
    let exception = Exception {
        id: text.to_owned(),
        actor: some(2),
        target: some(7),
        rule: some(9),
        from: EventTime::MIN,
        until: EventTime::from_ms(1_772_460_191_483),
        reason: text.to_owned(),
        author: text.to_owned(),
    };
    Alert {
        uid: text.to_owned(),
        time: EventTime::from_ms(1_772_460_191_482),
        rule: Arc::new(rule),
        delivery: [Delivery::Page, Delivery::Shadow, Delivery::Excepted(Arc::new(exception))][parts as usize % 3].clone(),
        rule_set: text.into(),
        source: text.into(),
        actor: ActorRef { id: some(2).unwrap_or_default(), email: some(3), kind: some(4), role: some(4), team: some(4) },
        actors: texts(2),
        action: some(5).unwrap_or_default(),
        tool: some(6),
        outcome: Outcome::Denied,
        target: has(7).then(|| TargetRef { id: some(8).unwrap_or_default(), kind: some(6), label: some(9), tags: texts(1) }),
        origin: OriginRef { ip: some(10), country: some(11), device: some(12), session: some(13) },
        window: has(0).then_some(window),
        events: texts(14),
        events_total: u64::from(parts),
        evidence: if has(15) { vec![evidence] } else { vec![] },
        deviation: has(16).then(|| Box::new(deviation(text, parts))),
        triaged: has(17).then(|| Box::new(triaged(text, parts))),
        message: text.to_owned(),
    }
}

/// Every feature there is, and texts that are none.
const FEATURES: [&str; 14] = [
    "nj.rate.view.10m",
    "nj.rate.export.1d",
    "nj.distinct.1d",
    "nj.distinct.90d",
    "nj.shift",
    "nj.novelty.device",
    "nj.novelty.ip",
    "nj.travel",
    "nj.ticket.share.lookup",
    "nj.sensitive.share",
    "nj.watched.share",
    "nj.chain",
    "nj.slow.targets",
    "nj.target",
];

fn deviation(text: &str, parts: u32) -> Deviation {
    let has = |bit: u32| parts >> bit & 1 == 1;
    let contribution = |(at, feature): (usize, &str)| Contribution {
        feature: feature.to_owned(),
        observed: [0.0, 0.5, 1.0, 212.0, f64::MAX][(at + parts as usize) % 5],
        value: has(0).then(|| text.to_owned()),
        expected: f64::MIN_POSITIVE,
        usual_p99: has(1).then_some(f64::INFINITY),
        peer_p999: has(2).then_some(f64::NAN),
        ln_p_self: -1e9,
        ln_p_peer: if has(3) { -3.0 } else { 0.0 },
        share: 0.5,
        score_without: 120.0,
        evidence: f64::NAN,
        is_continued: has(4),
    };
    let features = FEATURES.into_iter().chain([text]).enumerate();
    let contributions = if has(5) { features.map(contribution).collect() } else { vec![] };
    let context = if has(6) { vec![text.to_owned()] } else { vec![] };
    let evidence = f64::from(parts % 7) / 6.0;
    Deviation { score: 120.0, ln_p: -27.6, evidence, risk: f64::from(parts), risk_raised: 0.5, weight: 2.0, contributions, context }
}

fn triaged(text: &str, parts: u32) -> Triaged {
    let has = |bit: u32| parts >> bit & 1 == 1;
    let standing = Standing {
        risk: f64::from(parts),
        risk_of_rules: f64::from(parts % 3),
        factor: f64::from(parts % 2 + 1),
        threshold: f64::NAN,
        per_day: 5.0,
        people: u64::MAX * u64::from(parts % 2),
        sampled: has(7).then_some(f64::NAN),
        is_spare: has(2),
        waited_ms: i64::MAX * i64::from(parts % 2),
        increments: u64::MAX,
    };
    Triaged { incident: has(8).then(|| text.to_owned()), is_update: has(9), standing: has(10).then_some(standing) }
}

fn incident(text: &str, parts: u32) -> Incident {
    let has = |bit: u32| parts >> bit & 1 == 1;
    let alert = alert(text, parts);
    let finding = IncidentFinding {
        uid: text.to_owned(),
        time_ms: i64::MIN,
        rule_id: text.to_owned(),
        rule_name: text.to_owned(),
        title: text.to_owned(),
        kind: alert.rule.kind,
        level: alert.rule.level,
        events: alert.events.clone(),
        events_total: u64::MAX * u64::from(parts % 2),
    };
    Incident {
        uid: text.to_owned(),
        is_new: has(0),
        time: EventTime::MIN,
        first: EventTime::MIN,
        last: EventTime::from_ms(i64::MAX),
        actor: alert.actor.clone(),
        level: alert.rule.level,
        risk: [f64::NAN, -1.0, 12.0][parts as usize % 3],
        risk_of_rules: 0.0,
        findings: vec![finding; 1 + parts as usize % 3],
        findings_total: u64::MAX,
        increments: u64::MAX,
        message: text.to_owned(),
    }
}

#[test]
fn every_shape_of_incident_is_a_valid_incident_finding() {
    let Some(schema) = schema() else { return };
    for text in ["", "u1042", "ana@example.org", "\u{0}\n\"\\\u{2028}😀"] {
        for parts in (0..0x1_0000).step_by(509).chain([0, 0xffff]) {
            let mut out = Vec::new();
            incident(text, parts).write_ocsf(&mut out);
            let finding: Value = serde_json::from_slice(&out).unwrap();
            let errors = validate(schema, &finding);
            assert_eq!((finding["class_uid"].as_i64(), errors), (Some(2005), vec![]), "{finding}");
        }
    }
}

#[test]
fn every_shape_of_alert_is_a_valid_finding() {
    let Some(schema) = schema() else { return };
    let longest_ip = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
    for text in
        ["", "u1042", "ana@example.org", "käthe@例え.jp", "a@b", "10.1.2.3", longest_ip, "::1", "IE", "\u{0}\n\"\\\u{2028}😀"]
    {
        // Every part alone, every part left out, and a walk through the combinations in between.
        let some = (0..18).flat_map(|bit| [1 << bit, 0x3_ffff ^ (1 << bit)]).chain((0..0x4_0000).step_by(1021));
        for parts in some.chain([0, 0x3_ffff]) {
            let finding = finding_of(&alert(text, parts));
            assert_eq!(validate(schema, &finding), Vec::<String>::new(), "{finding}");
        }
    }
}

/// What the validator says of a valid finding after `change`.
#[track_caller]
fn check_rejected(change: impl FnOnce(&mut Value), expected: &str) {
    let Some(schema) = schema() else { return };
    let mut finding = finding_of(&alert("10.1.2.3", 0xffff));
    change(&mut finding);
    let errors = validate(schema, &finding);
    assert!(errors.iter().any(|it| it.starts_with(expected)), "{expected} is not among {errors:?}");
}

fn remove(finding: &mut Value, object: &str, key: &str) {
    finding.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(key).unwrap();
}

#[test]
fn a_finding_without_a_required_attribute_is_rejected() {
    for key in ["activity_id", "category_uid", "finding_info", "metadata", "severity_id", "time", "type_uid"] {
        check_rejected(|it| remove(it, "", key), &format!(".{key}: missing"));
    }
    check_rejected(|it| remove(it, "", "class_uid"), "class_uid: unknown class");
    check_rejected(|it| remove(it, "/finding_info", "uid"), ".finding_info.uid: missing");
    check_rejected(|it| remove(it, "/finding_info/analytic", "type_id"), ".finding_info.analytic.type_id: missing");
    check_rejected(|it| remove(it, "/observables/0", "type_id"), ".observables.type_id: missing");
}

#[test]
fn a_value_outside_its_enum_is_rejected() {
    check_rejected(|it| it["severity_id"] = json!(42), ".severity_id: 42 is not in the enum");
    check_rejected(|it| it["observables"][0]["type_id"] = json!(1000), ".observables.type_id: 1000 is not in the enum");
}

#[test]
fn an_unknown_attribute_is_rejected() {
    check_rejected(|it| it["rule"] = json!("x"), ".rule: unknown attribute");
    check_rejected(|it| it["actor"]["user"]["mail"] = json!("x"), ".actor.user.mail: unknown attribute");
}

#[test]
fn an_attribute_of_a_profile_that_is_not_applied_is_rejected() {
    check_rejected(|it| it["metadata"]["profiles"] = json!(["host"]), ".risk_score: of a profile");
    check_rejected(|it| it["metadata"]["profiles"] = json!(["security_control"]), ".actor: of a profile");
}

#[test]
fn a_value_of_the_wrong_type_or_form_is_rejected() {
    check_rejected(|it| it["time"] = json!("2026-03-02T14:03:11Z"), ".time: ");
    check_rejected(|it| it["time"] = json!(1.5), ".time: ");
    check_rejected(|it| it["is_alert"] = json!("true"), ".is_alert: ");
    check_rejected(|it| it["message"] = json!(1), ".message: ");
    check_rejected(|it| it["observables"] = json!({}), ".observables: not an array");
    check_rejected(|it| it["metadata"] = json!([]), ".metadata: not an object");
    check_rejected(|it| it["evidences"][0]["src_endpoint"]["ip"] = json!("AWS Internal"), ".evidences.src_endpoint.ip: ");
    check_rejected(|it| it["actor"]["user"]["email_addr"] = json!("nobody"), ".actor.user.email_addr: ");
}

#[test]
fn a_broken_constraint_is_rejected() {
    check_rejected(|it| it["resources"][0] = json!({"type": "account"}), ".resources: 0 of at_least_one");
    check_rejected(|it| it["actor"] = json!({}), ".actor: 0 of at_least_one");
}

#[test]
fn a_type_that_is_not_that_of_class_and_activity_is_rejected() {
    check_rejected(|it| it["activity_id"] = json!(2), "type_uid: 200401 is not 200402");
}
