//! The organisation and its rhythm.

use std::collections::{BTreeMap, BTreeSet};

use super::{live, small};
use crate::{Company, CompanyConfig, Role, Scenario, Shift};

#[test]
fn more_than_five_hundred_people_work_on_four_sites() {
    let company = Company::generate(&CompanyConfig::default());
    let sites: BTreeMap<&str, usize> = company.people().iter().fold(BTreeMap::new(), |mut sites, person| {
        *sites.entry(company.site_of(person).tz).or_default() += 1;
        sites
    });
    assert!(company.people().len() >= 500);
    assert_eq!(sites.len(), 4);
    assert!(sites.values().all(|people| *people >= 50), "{sites:?}");
    let mails: BTreeSet<&str> = company.people().iter().map(|it| it.email.as_str()).collect();
    assert_eq!(mails.len(), company.people().len());
    for shift in [Shift::Office, Shift::Day, Shift::Evening, Shift::Night] {
        assert!(company.people().iter().any(|it| it.shift == shift), "{shift:?}");
    }
    for role in [Role::SupportT1, Role::Sre, Role::AdsAnalyst, Role::ItAdmin, Role::Manager] {
        assert!(company.people().iter().any(|it| it.role == role), "{role:?}");
    }
}

#[test]
fn mondays_are_busy_and_weekends_and_nights_are_quiet() {
    let config = CompanyConfig { activity: 0.5, ..small(7) };
    let mut by_day = [0_u32; 7];
    let mut by_hour = [0_u32; 24];
    let sites = Company::generate(&config);
    live(&config, Scenario::Quiet, |it| {
        if it.is_human() {
            by_day[((it.at_ms - config.start_ms) / 86_400_000) as usize] += 1;
            let site = sites.sites().iter().find(|site| site.tz == it.actor.tz).expect("a site of the company");
            by_hour[site.local_hour(it.at_ms) as usize] += 1;
        }
    });
    let [monday, _, wednesday, _, _, _, sunday] = by_day;
    assert!(monday > wednesday && wednesday > 2 * sunday, "{by_day:?}");
    let night: u32 = by_hour[0..6].iter().sum();
    let morning: u32 = by_hour[9..15].iter().sum();
    assert!(morning > 6 * night && night > 0, "{by_hour:?}");
}

#[test]
fn new_colleagues_appear_and_leavers_disappear() {
    let config = CompanyConfig { people: 400, days: 5, activity: 0.02, ..CompanyConfig::default() };
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let simulation = live(&config, Scenario::Quiet, |it| {
        first.entry(it.actor.id.clone()).or_insert(it.at_ms);
        last.insert(it.actor.id, it.at_ms);
    });
    // The date line: a local day may begin or end up to a day away from the UTC day of the same number.
    let day_of = |at_ms: &i64| (at_ms - config.start_ms).div_euclid(86_400_000) as i32;
    let (mut joined, mut left) = (0, 0);
    for person in simulation.company().people() {
        if let Some(at_ms) = first.get(&person.id).filter(|_| person.joins_day > 1) {
            joined += 1;
            assert!(day_of(at_ms) >= person.joins_day - 1, "{person:?}");
        }
        if let (Some(at_ms), Some(day)) = (last.get(&person.id), person.leaves_day) {
            left += 1;
            assert!(day_of(at_ms) <= day + 1, "{person:?}");
        }
    }
    assert!(joined >= 2 && left >= 2, "{joined} {left}");
}

#[test]
fn some_people_travel_and_their_sessions_stay_in_one_country() {
    let config = CompanyConfig { activity: 0.05, people: 400, ..CompanyConfig::default() };
    let mut countries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut abroad = BTreeSet::new();
    live(&config, Scenario::Quiet, |it| {
        if !["US", "IE", "PH", "IN"].contains(&it.source.country.as_str()) {
            assert!(it.source.device_managed);
            abroad.insert(it.actor.id);
        }
        countries.entry(it.session.id).or_default().insert(it.source.country);
    });
    assert!((2..60).contains(&abroad.len()), "{}", abroad.len());
    assert!(countries.values().all(|it| it.len() == 1));
}

#[test]
fn context_files_describe_the_same_company_as_the_events() {
    let config = small(2);
    let files: BTreeMap<&str, BTreeSet<String>> = Company::generate(&config)
        .context_files()
        .into_iter()
        .map(|(name, text)| {
            assert!(text.starts_with("# ") && text.ends_with('\n'), "{name}");
            (name, text.lines().filter(|it| !it.starts_with('#')).map(str::to_owned).collect())
        })
        .collect();
    assert_eq!(files["watchlist.txt"].len(), 370);
    assert!(files["corporate_networks.txt"].contains("10.1.0.0/16"));
    live(&config, Scenario::Quiet, |it| {
        let listed = |file: &str| files[file].contains(&it.actor.id);
        assert_eq!(listed("service_accounts.txt"), !it.is_human());
        assert_eq!(listed("night_shift.txt"), it.actor.shift == "night");
        if let Some(target) = it.account() {
            let is_protected = it.has_tag("short_handle") || it.has_tag("high_profile");
            assert_eq!(files["watchlist.txt"].contains(&target.id), is_protected, "{target:?}");
        }
    });
}

#[test]
fn finance_exports_in_bulk_and_engineers_on_call_work_at_night_with_a_ticket() {
    let config = CompanyConfig { people: 400, days: 4, activity: 0.02, ..CompanyConfig::default() };
    let company = Company::generate(&config);
    let (mut bulk, mut pages) = (0, 0);
    live(&config, Scenario::Quiet, |it| {
        if it.action == "data.export" && it.detail["rows"].as_u64() >= Some(400_000) {
            assert!(it.actor.id.starts_with("svc-finance-export"));
            bulk += 1;
        }
        if it.action == "prod.login" && it.actor.role == "sre" {
            let site = company.sites().iter().find(|site| site.tz == it.actor.tz).expect("a site of the company");
            if !(6..22).contains(&site.local_hour(it.at_ms)) {
                assert!(it.justification.ticket.is_some_and(|it| it.starts_with("INC-")));
                pages += 1;
            }
        }
    });
    let programs = company.services().iter().filter(|it| it.id.starts_with("svc-finance-export")).count();
    // Two data sets, every night.
    assert_eq!(bulk, programs * 2 * 4);
    assert!(pages > 0);
}
