//! Rule sets of any size for the benches, shaped like the rules of the pack: an action or a tool, a value or two, an exclusion.

use engine::Rulebook;
use model::SourceMapping;
use sigma::lists::Lists;
use sigma::parse::parse_all;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

const ACTIONS: [&str; 16] = [
    "account.lookup",
    "account.search",
    "account.view_email",
    "account.contact_change",
    "account.mfa_disable",
    "password.reset",
    "dm.read",
    "archive.download",
    "customer.export",
    "data.query",
    "data.export",
    "prod.login",
    "prod.command",
    "role.grant",
    "login",
    "config.change",
];
const ROLES: [&str; 8] = ["support_t1", "support_t2", "trust_safety", "sre", "data_analyst", "ads_analyst", "it_admin", "engineer"];
const TOOLS: [&str; 5] = ["agent-console", "admin-panel", "prod-access", "data-warehouse", "idp"];

/// The detection of rule number `at`: seven shapes in turn, with other values each time.
fn detection(at: usize) -> String {
    let (action, role, tool) = (ACTIONS[at % 16], ROLES[at / 3 % 8], TOOLS[at / 5 % 5]);
    match at % 7 {
        0 => format!(
            "sel: {{action: {action}, outcome: denied, tool: {tool}}}\n  no: {{actor.role: {role}}}\n  condition: sel and not no"
        ),
        1 => format!("sel: {{action: {action}, detail.rows|gte: {}}}\n  condition: sel", 1_000_000 + at * 1_000),
        2 => format!(
            "sel: {{action|startswith: account., target.tags|contains: short_handle, actor.role: {role}}}\n  \
             own: {{actor.id|startswith: [x{at}, y{at}]}}\n  condition: sel and own"
        ),
        3 => format!("sel: {{action: {action}}}\n  net: {{source.ip|cidr: 203.0.{}.0/24}}\n  condition: sel and net", at % 256),
        4 => format!("sel: {{actor.role: {role}, detail.dataset|contains: [ds_{at}, raw_{at}]}}\n  condition: sel"),
        5 => format!(
            "sel: {{tool: {tool}, action: [{action}, {}], session.auth_method: [sms, password]}}\n  \
             not_us: {{source.country: [KP, X{}]}}\n  condition: sel and not_us",
            ACTIONS[(at + 5) % 16],
            at % 10
        ),
        _ => format!(
            "sel: {{detail.user_agent|contains: [bot-{at}, 'curl/{at}']}}\n  two: {{action: {action}}}\n  condition: sel and two"
        ),
    }
}

/// The files of `count` generated detection rules.
pub(crate) fn generated_files(count: usize) -> Vec<(String, String)> {
    let file = |at: usize| {
        let mut text =
            format!("title: Rule {at}\nname: rule_{at}\nlevel: medium\nlogsource: {{product: nightjar, service: audit}}\n");
        let _ = writeln!(text, "detection:\n  {}", detection(at));
        (format!("rule_{at}.yml"), text)
    };
    (0..count).map(file).collect()
}

/// `count` generated detection rules, compiled for the native source.
#[allow(dead_code, reason = "not every bench wants it")]
pub(crate) fn generated(count: usize) -> Rulebook {
    compiled(generated_files(count), &Lists::default(), &native())
}

/// The native source.
pub(crate) fn native() -> SourceMapping {
    SourceMapping::built_in("native").expect("it comes with Nightjar")
}

/// All rules of `SigmaHQ` as (path, text), but those whose placeholders need lists that don't come with them; `None` where the corpus
/// is absent.
#[allow(dead_code, reason = "not every bench wants it")]
pub(crate) fn sigmahq_files() -> Option<Vec<(String, String)>> {
    let mut files = sigmahq_all_files()?;
    files.retain(|(_, text)| !text.contains("|expand"));
    Some(files)
}

/// The lists that the placeholders of these rules name, each with an entry.
#[allow(dead_code, reason = "not every bench wants it")]
pub(crate) fn placeholder_lists(files: &[(String, String)]) -> Lists {
    let mut lists = Lists::default();
    for (_, text) in files.iter().filter(|(_, text)| text.contains("|expand")) {
        text.split('%').skip(1).step_by(2).for_each(|it| lists.insert(it, vec!["entry".to_owned()]));
    }
    lists
}

/// All rules of `SigmaHQ` as (path, text); `None` where the corpus is absent.
#[allow(dead_code, reason = "not every bench wants it")]
pub(crate) fn sigmahq_all_files() -> Option<Vec<(String, String)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/sigma/rules.tar.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return None;
    };
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = Vec::new();
    for entry in archive.entries().expect("a tar archive") {
        let mut entry = entry.expect("a whole archive");
        let path = entry.path().expect("a path").into_owned();
        if path.extension().is_some_and(|it| it == "yml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("rules are UTF-8");
            files.push((path.display().to_string(), text));
        }
    }
    Some(files)
}

/// The rule pack of the repository, windows and all.
#[allow(dead_code, reason = "not every bench wants it")]
pub(crate) fn pack() -> Rulebook {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules");
    let mut lists = Lists::default();
    let mut files = Vec::new();
    let mut pending = vec![rules.clone()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).expect("the rule pack stands beside the benches").flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let stem = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
            match path.extension().and_then(|it| it.to_str()) {
                Some("txt") => lists.insert(stem, Lists::parse_text(&text).expect("the lists of the pack are short")),
                Some("yml") if stem != "taxonomy" => files.push((path.display().to_string(), text)),
                _ => {}
            }
        }
    }
    files.sort();
    compiled(files, &lists, &native())
}

/// These rules, compiled for one source; all of them have to load.
pub(crate) fn compiled(files: Vec<(String, String)>, lists: &Lists, source: &SourceMapping) -> Rulebook {
    let loaded = parse_all(files, lists);
    let mut problems = loaded.problems;
    let book = Rulebook::compile(loaded.documents, std::slice::from_ref(source), &mut problems);
    let errors: Vec<String> = problems.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    book
}
