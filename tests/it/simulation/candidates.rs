//! Alerts about behaviour: habits of minutes surprise nobody, so that some events are said to be out of the ordinary.

use engine::Head;
use engine::triage::Step;
use model::alert::OriginRef;
use model::source::Outcome;
use model::{ActorRef, Alert, Contribution, Delivery, Deviation, Level, RuleInfo, RuleKind, Status};
use std::sync::Arc;

/// One event in so many.
const ONE_IN: u64 = 9;

/// What the event leads to beside what its partition found: always the same.
pub(super) fn of(head: &Head<'_>) -> Option<Step> {
    let number = head.line.bytes().fold(7_u64, |sum, it| sum.wrapping_mul(31).wrapping_add(u64::from(it)));
    if !number.is_multiple_of(ONE_IN) {
        return None;
    }
    let actor = head.actor.text()?.into_owned();
    let risk = 5.0 + f64::from(u32::try_from(number / ONE_IN % 80).unwrap()) / 4.0;
    let contribution = Contribution {
        feature: ["nj.distinct.10m", "nj.novelty.device", "nj.shift"][usize::try_from(number % 3).unwrap()].to_owned(),
        observed: 12.0,
        value: None,
        expected: 3.0,
        usual_p99: None,
        peer_p999: None,
        ln_p_self: -12.0,
        ln_p_peer: 0.0,
        share: 1.0,
        score_without: 0.0,
        evidence: 1.0,
        is_continued: false,
    };
    let deviation = Deviation {
        score: 50.0,
        ln_p: -11.5,
        evidence: 1.0,
        risk,
        risk_raised: 1.0,
        weight: 1.0,
        contributions: vec![contribution],
        context: Vec::new(),
    };
    let rule = RuleInfo {
        id: "behaviour".to_owned(),
        name: "behaviour".to_owned(),
        title: "Out of the ordinary".to_owned(),
        level: Level::High,
        status: Status::Experimental,
        kind: RuleKind::Behaviour,
        ..RuleInfo::default()
    };
    Some(Step::Candidate(Box::new(Alert {
        uid: format!("b-{number}"),
        time: head.time,
        rule: Arc::new(rule),
        delivery: Delivery::Shadow,
        rule_set: "".into(),
        source: "native".into(),
        actor: ActorRef { id: actor.clone(), ..ActorRef::default() },
        actors: vec![actor],
        action: "account.view".to_owned(),
        tool: None,
        outcome: Outcome::Success,
        target: None,
        origin: OriginRef::default(),
        window: None,
        events: vec![format!("event-{number}")],
        events_total: 1,
        evidence: Vec::new(),
        deviation: Some(Box::new(deviation)),
        triaged: None,
        message: String::new(),
    })))
}
