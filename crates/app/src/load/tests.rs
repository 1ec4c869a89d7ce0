use super::*;
use std::fs;

/// A fresh folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &[u8])]) -> Self {
        let path = std::env::temp_dir().join(format!("nightjar-load-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        for (file, bytes) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        Self(path)
    }

    fn load(&self) -> Rules {
        rules(std::slice::from_ref(&self.0), None, &[mapping("native").unwrap()], Watch::IfRulesRead).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RULE: &[u8] = b"title: Export\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    action: export\n  condition: s\n";

#[test]
fn rules_are_found_in_nested_folders_and_named_after_their_files() {
    let folder = Folder::with("nested", &[("b/export_b.yml", RULE), ("a/deep/export_a.yaml", RULE)]);
    let rules = folder.load();
    let names: Vec<_> = rules.book.set.rules.iter().map(|it| it.info.name.as_str()).collect();
    assert_eq!(names, ["export_a", "export_b"]);
}

#[test]
fn what_is_no_rule_is_left_alone() {
    let files: [(&str, &[u8]); 5] =
        [("a.yml", RULE), ("taxonomy.yml", b"families: {}"), ("context/b.yml", b"x"), (".c.yml", b"x"), ("README.md", b"x")];
    let rules = Folder::with("others", &files).load();
    assert_eq!((rules.len(), rules.errors()), (1, 0));
}

#[test]
fn a_bad_file_is_reported_and_the_others_load() {
    let files: [(&str, &[u8]); 3] = [("a.yml", RULE), ("bad.yml", b"title: [\n"), ("latin.yml", b"title: a\n# \xe9\n")];
    let rules = Folder::with("bad", &files).load();
    assert_eq!((rules.len(), rules.errors()), (1, 2));
    assert!(rules.problems.iter().any(|it| it.file.ends_with("latin.yml") && it.line == 2), "{:?}", rules.problems);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_reported_and_the_others_load() {
    let folder = Folder::with("dangling", &[("a.yml", RULE), ("context/vips.txt", b"7\n")]);
    std::os::unix::fs::symlink("nowhere", folder.0.join("gone.yml")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.0.join("context/gone.txt")).unwrap();
    let rules = folder.load();
    assert_eq!((rules.len(), rules.errors()), (1, 2), "{:?}", rules.problems);
    assert!(rules.problems.iter().any(|it| it.file.ends_with("gone.yml") && it.message.contains("cannot be read")));
}

#[cfg(unix)]
#[test]
fn links_between_folders_end_and_what_they_lead_to_loads_once() {
    let folder = Folder::with("links", &[("rules/b/a.yml", RULE), ("shared/deep/c.yml", RULE)]);
    for (target, link) in [("..", "rules/b/up"), ("../..", "rules/out"), ("b", "rules/again"), ("../shared", "rules/shared")] {
        std::os::unix::fs::symlink(target, folder.0.join(link)).unwrap();
    }
    let found = files::below(&[folder.0.join("rules")], files::is_rule, &mut Vec::new()).unwrap();
    let found: Vec<_> = found.iter().map(|it| it.strip_prefix(&folder.0).unwrap().to_str().unwrap()).collect();
    assert_eq!(found, ["rules/again/a.yml", "rules/shared/deep/c.yml"]);
}

#[test]
fn lists_stand_beside_the_rules() {
    let rule = b"title: Vip\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    target.id|expand: '%vips%'\n  condition: s\n";
    let rules = Folder::with("lists", &[("vip.yml", rule), ("context/vips.txt", b"# who\n7\n")]).load();
    assert_eq!((rules.len(), rules.errors()), (1, 0), "{:?}", rules.problems);
}

#[test]
fn own_lists_take_the_place_of_those_beside_the_rules() {
    let rule = b"title: Vip\nlogsource:\n  product: nightjar\ndetection:\n  s:\n    target.id|expand: '%vips%'\n    actor.id|expand: '%staff%'\n  condition: s\n";
    let folder = Folder::with(
        "own",
        &[("r/vip.yml", rule), ("r/context/vips.txt", b"7\n"), ("r/context/staff.txt", b"ana\n"), ("own/vips.txt", b"8\n9\n")],
    );
    let mut problems = Vec::new();
    let lists = lists(None, &[folder.0.join("r")], Some(&folder.0.join("own")), &mut problems).unwrap();
    assert_eq!(lists.get("vips").unwrap(), ["8", "9"]);
    assert_eq!(lists.get("staff").unwrap(), ["ana"]);
    assert_eq!(problems, []);
}

#[test]
fn a_folder_without_rules_is_an_error_of_usage() {
    let folder = Folder::with("none", &[("a.txt", b"x")]);
    let error = rules(std::slice::from_ref(&folder.0), None, &[], Watch::IfRulesRead).err().unwrap();
    assert!(error.is::<Usage>() && error.to_string().contains("no rules"), "{error}");
}

#[test]
fn an_unknown_mapping_is_an_error_that_names_the_known_ones() {
    let error = mapping("oktta").unwrap_err();
    assert!(error.is::<Usage>() && error.to_string().contains("okta, github"), "{error}");
}

#[test]
fn columns_of_context_tables_are_lists_and_what_is_wrong_has_its_file_and_line() {
    let folder = Folder::with(
        "tables",
        &[
            ("r/context/roster.csv", b"id,role\nu1,admin\nu2,agent\nu3,admin\n"),
            ("r/context/tickets.ndjson", b"{\"id\":7,\"agent\":{\"id\":\"u1\"}}\n"),
            ("r/context/bad.csv", b"a,b\n1,2\n3\n"),
            ("r/context/tickets.csv", b"id\n8\n"),
            ("own/tickets.csv", b"id\n9\n"),
        ],
    );
    let mut problems = Vec::new();
    let found = lists(None, &[folder.0.join("r")], None, &mut problems).unwrap();
    assert_eq!(found.names().collect::<Vec<_>>(), ["roster.id", "roster.role", "tickets.id"]);
    assert_eq!(found.get("roster.role").unwrap(), ["admin", "agent"]);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].ends_with("bad.csv:3:1: error: a row of 1 fields where the header has 2"), "{problems:?}");
    assert!(problems[1].contains("tickets.ndjson:1:1: error: the table `tickets` is already taken by"), "{problems:?}");
    let own = lists(None, &[folder.0.join("r")], Some(&folder.0.join("own")), &mut Vec::new()).unwrap();
    assert_eq!(own.get("tickets.id").unwrap(), ["9"]);
}

#[test]
fn columns_of_tables_that_are_laid_over_files_leave_out_what_does_not_hold() {
    let folder = Folder::with(
        "laid",
        &[
            ("context/roster.csv", b"id,role,cost_centre\nana,agent,7\nbo,admin,8\n"),
            ("context/tickets.ndjson", b"{\"id\":\"CS-1\"}\n{\"id\":\"cs-2\"}\n"),
            ("context/vips.csv", b"id\n7\n"),
        ],
    );
    let over = [
        File::new("topic/roster.ndjson", "{\"id\":\"ana\",\"role\":\"lead\"}\n{\"id\":\"cy\",\"role\":\"admin\"}\n"),
        File::new("topic/tickets.ndjson", "{\"id\":\"CS-2\",\"assignee\":\"cy\"}\n"),
    ];
    let found = lists(Some(&over), std::slice::from_ref(&folder.0), None, &mut Vec::new()).unwrap();
    let check = |name: &str, expected: &[&str]| assert_eq!(found.get(name).unwrap(), expected, "{name}");
    check("roster.id", &["bo", "ana", "cy"]);
    check("roster.role", &["admin", "lead"]);
    check("roster.cost_centre", &["8"]);
    check("tickets.id", &["CS-1", "CS-2"]);
    check("devices.owner", &[]);
    check("vips.id", &["7"]);
    let of_files = lists(None, std::slice::from_ref(&folder.0), None, &mut Vec::new()).unwrap();
    assert_eq!(of_files.get("devices.owner"), None);
}

#[test]
fn a_log_source_is_given_by_its_parts() {
    let mapping = mapping_for("raw", Some("product=windows, category=process_creation")).unwrap();
    assert_eq!(mapping.logsource.product.as_deref(), Some("windows"));
    assert_eq!(mapping.logsource.category.as_deref(), Some("process_creation"));
    for wrong in ["windows", "product=", "product=a,product=b", "produkt=a", ""] {
        assert!(mapping_for("raw", Some(wrong)).unwrap_err().is::<Usage>(), "{wrong}");
    }
}

#[test]
fn a_mapping_whose_conditions_are_wrong_is_refused() {
    let text = b"name = \"w\"\n[[logsources]]\nproduct = \"windows\"\nwhen = { \"EventID|containing\" = 1 }\n";
    let folder = Folder::with("when", &[("w.toml", text)]);
    let error = mapping(folder.0.join("w.toml").to_str().unwrap()).unwrap_err();
    assert!(error.is::<Usage>() && error.to_string().contains("logsources[0].when of the source `w`: unknown modifier"), "{error}");
}

/// The role of `ana` in the context of `folder`, with `more` over it.
fn role(folder: &Folder, more: Option<&Folder>) -> (String, usize) {
    let loaded = context(std::slice::from_ref(&folder.0), more.map(|it| it.0.as_path()), &[]).unwrap();
    let known = &loaded.context;
    let person = known.names.find("ana").and_then(|it| known.roster.person(it, 0));
    (person.map_or(String::new(), |(_, it)| known.names.get(it.role).to_owned()), loaded.problems.len())
}

#[test]
fn a_table_takes_the_place_of_one_of_its_name_beside_the_rules() {
    let beside = Folder::with("context-tables", &[("a.yml", RULE), ("context/roster.csv", b"id,role\nana,agent\n")]);
    let given = Folder::with("context-given", &[("roster.ndjson", b"{\"id\":\"ana\",\"role\":\"lead\"}\n")]);
    assert_eq!(role(&beside, None), ("agent".to_owned(), 0));
    assert_eq!(role(&beside, Some(&given)), ("lead".to_owned(), 0));
    let same = Folder(beside.0.join("context"));
    assert_eq!(role(&beside, Some(&same)), ("agent".to_owned(), 0));
}

#[test]
fn a_parquet_table_is_one_and_one_that_is_damaged_is_told_once() {
    let folder =
        Folder::with("parquet", &[("a.yml", RULE), ("context/roster.parquet", b"PAR1"), ("context/other.parquet", b"PAR1")]);
    assert_eq!(role(&folder, None), (String::new(), 1));
    let told: Vec<String> = folder.load().problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.iter().filter(|it| it.contains("the Parquet file is cut off")).count(), 2, "{told:?}");
    let others: &[u8] = include_bytes!("parquet/arrow.parquet");
    let folder =
        Folder::with("parquet-sound", &[("a.yml", RULE), ("context/tickets.parquet", others), ("context/x.parquet", others)]);
    let rules = folder.load();
    assert_eq!((rules.errors(), rules.book.context.tickets.len()), (0, 3), "{:?}", rules.problems);
    let lists = lists(None, std::slice::from_ref(&folder.0), None, &mut Vec::new()).unwrap();
    assert_eq!(lists.get("tickets.targets").unwrap(), ["783214", "12"]);
    assert_eq!(lists.get("x.id").unwrap(), ["CS-1", "CS-2", "cs-3"]);
}

#[test]
fn the_nearest_taxonomy_counts() {
    let other: &[u8] = b"families:\n  admin: [export]\n";
    let folder = Folder::with("taxonomy", &[("a.yml", RULE), ("taxonomy.yml", other), ("context/vips.txt", b"7\n")]);
    let family = |more: Option<&Path>| {
        let loaded = context(std::slice::from_ref(&folder.0), more, &[]).unwrap();
        loaded.context.taxonomy.class("export").family()
    };
    assert_eq!(family(None), "admin");
    let given = Folder::with("taxonomy-given", &[("taxonomy.yml", b"families:\n  edit: [export]\n")]);
    assert_eq!(family(Some(&given.0)), "edit");
}

#[test]
fn a_context_that_says_something_else_is_noticed() {
    let folder = Folder::with("noticed", &[("a.yml", RULE), ("context/roster.csv", b"id,role\nana,agent\n")]);
    let look = || {
        let dirs = std::slice::from_ref(&folder.0);
        (folder.load().book.context, fingerprint(dirs, None, &[]))
    };
    let (before, print) = look();
    let (again, same) = look();
    assert!(before.says_the_same(&again) && print == same);
    fs::write(folder.0.join("context/roster.csv"), "id,role\nana,lead\n").unwrap();
    let (after, other) = look();
    assert!(!before.says_the_same(&after) && print != other);
}
