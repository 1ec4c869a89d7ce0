//! People as they were: look-ups against a twin that goes through all rows.

use super::{ms, sound};
use proptest::prelude::*;

#[test]
fn somebody_is_what_the_row_of_that_time_says() {
    let context = sound(&[(
        "roster.csv",
        "id,email,role,tz,from,until\nana,ana@example.com,agent,Europe/Dublin,,2026-03-30\nana,ana@example.com,lead,Europe/Dublin,2026-03-30,\n",
    )]);
    let role = |actor: &str, at: &str| {
        let (_, person) = context.roster.person(context.names.find(actor)?, ms(at))?;
        context.names.text(person.role)
    };
    // Days begin at midnight in Dublin, where summer time began on the 29th.
    assert_eq!(role("ana", "2026-03-29T22:59:59Z"), Some("agent"));
    assert_eq!(role("ana", "2026-03-29T23:00:00Z"), Some("lead"));
    assert_eq!(role("ana@example.com", "2026-03-29T23:00:00Z"), Some("lead"));
    assert_eq!(role("agent", "2026-03-29T23:00:00Z"), None);
}

#[test]
fn the_accounts_of_people_have_owners() {
    let context = sound(&[("roster.ndjson", "{\"id\":\"ana\",\"accounts\":[\"7\",\"8\"]}\n{\"id\":\"ben\",\"accounts\":\"8\"}\n")]);
    let owners = |account: &str| {
        let owners = context.names.find(account).map_or(&[][..], |it| context.roster.owners(it));
        owners.iter().map(|it| context.names.get(*it)).collect::<Vec<_>>()
    };
    assert_eq!((owners("7"), owners("8"), owners("9")), (vec!["ana"], vec!["ana", "ben"], vec![]));
}

proptest! {
    #[test]
    fn people_are_found_as_a_look_at_every_row_finds_them(
        rows in prop::collection::vec((0_u8..3, prop::option::of(0_i64..40), prop::option::of(1_i64..40)), 0..12),
        who in 0_u8..4, at in -5_i64..50,
    ) {
        const HOUR_MS: i64 = 3_600_000;
        let time = |it: i64| model::EventTime::from_ms(it * HOUR_MS).to_string();
        let mut text = String::from("id,role,from,until\n");
        let mut twin = Vec::new();
        for (number, (id, from, length)) in rows.iter().enumerate() {
            let until = length.map(|it| from.unwrap_or(0) + it);
            let [from_text, until_text] = [*from, until].map(|it| it.map_or(String::new(), time));
            text.extend([format!("u{id},r{number},{from_text},{until_text}\n")]);
            twin.push((*id, number, from.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX)));
        }
        let context = sound(&[("roster.csv", &text)]);
        let found = context.names.find(&format!("u{who}")).and_then(|it| context.roster.person(it, at * HOUR_MS));
        let found = found.map(|(_, it)| context.names.get(it.role).to_owned());
        // Of rows that overlap, the one that begins last; of those that begin together, the one that stands last.
        let covering = twin.iter().filter(|(id, _, from, until)| *id == who && *from <= at && at < *until);
        let expected = covering.max_by_key(|(_, number, from, _)| (*from, *number)).map(|it| format!("r{}", it.1));
        prop_assert_eq!(found, expected);
    }
}
