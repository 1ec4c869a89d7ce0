//! The corpus of real rules: all of `SigmaHQ`'s load or are refused for a reason that the specification gives, those with a regression
//! test match their events, and over all these events nothing else matches than what another engine matches.

use crate::support::{corpus, pipeline, score};
use engine::{Pipeline, Rulebook};
use flate2::read::GzDecoder;
use model::SourceMapping;
use serde_json::Value as Json;
use sigma::lists::Lists;
use sigma::parse::parse_all;
use sigma::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::OnceLock;

/// How many rules the corpus has.
const RULES: usize = 3_780;

/// The rules of the corpus that are refused, each with the lists it names. "If the tool isn't able to handle placeholders, it must
/// reject the rule" (specification 2.1, "Placeholders"): what is in these lists is the user's to say, and the corpus has none.
const REFUSED: [(&str, &str); 25] = [
    ("aws_cloudtrail_console_login_success_from_susp_locations", "Legitimate_Countries, Legitimate_IP_Ranges"),
    ("azure_ad_account_created_deleted_nonapproved_user", "ApprovedUserUpn"),
    ("azure_ad_auth_to_important_apps_using_single_factor_auth", "Important_AppIds"),
    ("azure_ad_authentications_from_countries_you_do_not_operate_out_of", "Known_Location"),
    ("azure_ad_failed_auth_from_countries_you_do_not_operate_out_of", "KNOWN_LOCATION"),
    ("azure_ad_guest_users_invited_to_tenant_by_non_approved_inviters", "Approved_Inviters"),
    ("azure_privileged_account_sigin_expected_controls", "UnApprovedDevice, UnApprovedIp, UnLegitCountries"),
    ("azure_users_authenticating_to_other_azure_ad_tenants", "HomeTenantID"),
    ("dns_query_win_wscript_cscript_resolution", "internal_domains"),
    ("net_connection_win_certsvc_outbound_smb_ldap", "legit_ips"),
    ("net_connection_win_susp_rdp_from_domain_controller", "domain_controller_hostnames"),
    ("okta_session_impersonation_granted", "legtimate_identifiers"),
    ("proc_creation_win_userdomain_variable_enumeration", "userdomain"),
    ("win_security_adcs_certighost_cdc_chase_request", "known_cdcs"),
    ("win_security_adcs_certighost_cert_issued_via_chase", "known_cdcs"),
    ("win_security_admin_logon", "Admins_Workstations"),
    ("win_security_dc_machine_account_logon_non_dc_ip", "dc_ip_addresses, dc_machine_accounts"),
    ("win_security_dc_machine_account_tgs_non_dc_ip", "dc_ip_addresses, dc_machine_accounts"),
    ("win_security_dc_machine_accoutn_tgt_non_dc_ip", "dc_ip_addresses, dc_machine_accounts"),
    ("win_security_exploit_cve_2020_1472", "DC-MACHINE-NAME"),
    ("win_security_modification_of_msds_dmsa_link_attribute", "Administrators"),
    ("win_security_msds_dmsa_object_creation", "Administrators"),
    ("win_security_potential_pass_the_hash", "Workstations"),
    ("win_security_remote_registry_management_via_reg", "Admins_Workstations"),
    ("win_security_susp_interactive_logons", "DomainControllers, ServerSystems, Workstations"),
];

/// Rules that match more of the events of their own regression test than the test declares: declared, matching. The reference matches
/// the same events, and read by hand each of them satisfies its rule; what was declared is the least that was looked for.
const MORE_THAN_DECLARED: [(&str, usize, usize); 4] = [
    ("file_event_win_anydesk_artefact", 1, 3),
    ("file_event_win_cred_dump_tools_dropped_files", 1, 3),
    ("registry_set_change_security_zones", 1, 3),
    ("registry_set_disable_administrative_share", 1, 2),
];

/// Pairs of event and rule in which Nightjar and the reference differ: line of the event, rule, whether Nightjar matches, and what the
/// specification says about it. There are none.
const DIFFERENCES: [(usize, &str, bool, &str); 0] = [];

/// Every rule of the corpus as (path, text).
pub(crate) fn rules() -> Option<Vec<(String, String)>> {
    let file = std::fs::File::open(corpus("sigma/rules.tar.gz")?).unwrap();
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let mut rules = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        if path.extension().is_some_and(|it| it == "yml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            rules.push((path.display().to_string(), text));
        }
    }
    Some(rules)
}

/// All rules compiled for events of any kind, and why some are not among them. Compiled once for all tests.
fn book() -> Option<&'static (Rulebook, Vec<Problem>)> {
    static BOOK: OnceLock<Option<(Rulebook, Vec<Problem>)>> = OnceLock::new();
    BOOK.get_or_init(|| Some(compiled(rules()?, &Lists::default()))).as_ref()
}

fn compiled(rules: Vec<(String, String)>, lists: &Lists) -> (Rulebook, Vec<Problem>) {
    let loaded = parse_all(rules, lists);
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, &[SourceMapping::built_in("raw").unwrap()], &mut problems);
    problems.retain(Problem::is_error);
    (book, problems)
}

/// The name of a rule's file without its folders and extension.
fn stem(file: &str) -> &str {
    file.rsplit('/').next().unwrap().trim_end_matches(".yml")
}

/// The identifiers of the rules that alert on one event.
fn matches(pipeline: &mut Pipeline, event: &str) -> BTreeSet<String> {
    let (alerts, rejects) = score(pipeline, event.as_bytes());
    assert!(rejects.is_empty(), "{rejects:?}");
    alerts.into_iter().map(|it| it.alert.rule.id.clone()).collect()
}

fn lines(file: &str) -> Option<Vec<String>> {
    Some(std::fs::read_to_string(corpus(file)?).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn every_rule_of_sigmahq_compiles_or_is_refused_for_a_reason_of_the_specification() {
    let Some((book, problems)) = book() else { return };
    let mut refused: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for problem in problems {
        let list = problem.message.strip_prefix("there is no list `").and_then(|it| it.strip_suffix('`'));
        refused.entry(stem(&problem.file)).or_default().insert(list.unwrap_or_else(|| panic!("{problem}")));
    }
    let refused: Vec<(&str, String)> =
        refused.into_iter().map(|(rule, lists)| (rule, lists.into_iter().collect::<Vec<_>>().join(", "))).collect();
    assert_eq!(refused, REFUSED.map(|(rule, lists)| (rule, lists.to_owned())));
    assert_eq!(book.programs[0].rules_active() + refused.len(), RULES);
}

#[test]
fn with_an_entry_in_each_of_the_lists_no_rule_of_sigmahq_is_refused() {
    let Some(rules) = rules() else { return };
    let wanted: BTreeSet<&str> = REFUSED.iter().map(|(rule, _)| *rule).collect();
    let mut lists = Lists::default();
    REFUSED.iter().flat_map(|(_, names)| names.split(", ")).for_each(|it| lists.insert(it, vec!["entry".to_owned()]));
    let rules = rules.into_iter().filter(|(file, _)| wanted.contains(stem(file))).collect();
    let (book, problems) = compiled(rules, &lists);
    assert_eq!(problems, []);
    assert_eq!(book.programs[0].rules_active(), REFUSED.len());
}

#[test]
fn every_rule_with_a_regression_test_matches_its_own_events() {
    let Some((book, _)) = book() else { return };
    let Some(cases) = lines("sigma/regression.ndjson") else { return };
    let mut pipeline = pipeline(book);
    let (mut silent, mut more) = (Vec::new(), Vec::new());
    for case in &cases {
        let case: Json = serde_json::from_str(case).unwrap();
        let (rule, events) = (case["rule_id"].as_str().unwrap(), case["events"].as_array().unwrap());
        let file = stem(case["rule_file"].as_str().unwrap()).to_owned();
        let matching = events.iter().filter(|it| matches(&mut pipeline, &it.to_string()).contains(rule)).count();
        // Some tests declare no number: then one event is as good as several.
        let declared = case["declared_matches"].as_str().unwrap().parse::<usize>();
        if matching < *declared.as_ref().unwrap_or(&1) {
            silent.push(file);
        } else if declared.as_ref().is_ok_and(|it| *it < matching) {
            more.push((file, declared.unwrap(), matching));
        }
    }
    more.sort();
    assert_eq!((cases.len(), silent), (202, Vec::<String>::new()));
    assert_eq!(more, MORE_THAN_DECLARED.map(|(file, declared, matching)| (file.to_owned(), declared, matching)));
}

#[test]
fn over_all_regression_events_the_rules_match_exactly_what_the_reference_matches() {
    let Some((book, _)) = book() else { return };
    let Some(events) = lines("sigma/regression_events.ndjson") else { return };
    let Some(reference) = lines("sigma/all_rules_matches.tsv") else { return };
    let mut expected: BTreeSet<(usize, String)> = (reference.iter())
        .map(|it| it.split_once('\t').unwrap())
        .map(|(line, rule)| (line.parse().unwrap(), rule.to_owned()))
        .collect();
    assert_eq!((events.len(), expected.len()), (238, 756));
    for (line, rule, we_match, _) in DIFFERENCES {
        let pair = (line, rule.to_owned());
        assert!(if we_match { expected.insert(pair) } else { expected.remove(&pair) }, "line {line}, {rule}: no difference");
    }
    let mut pipeline = pipeline(book);
    let mut found = BTreeSet::new();
    for (line, event) in events.iter().enumerate() {
        found.extend(matches(&mut pipeline, event).into_iter().map(|rule| (line, rule)));
    }
    assert_eq!(found.difference(&expected).collect::<Vec<_>>(), Vec::<&(usize, String)>::new(), "only Nightjar matches");
    assert_eq!(expected.difference(&found).collect::<Vec<_>>(), Vec::<&(usize, String)>::new(), "only the reference matches");
}
