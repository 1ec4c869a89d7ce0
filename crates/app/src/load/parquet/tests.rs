//! The same table as CSV and as Parquet, files of other writers, and files that are damaged.

mod write;

use super::{Trouble, rows};
use engine::context::{Context, File, Loaded, Table, Taxonomy, load};
use write::{Cells, parquet, parquet_of_csv};

/// The twelve tables, with every column that they have.
const TABLES: [(&str, &str); 12] = [
    (
        "roster",
        "id,email,type,role,team,manager,site,tz,start,last_day,notice,from,until,accounts\n\
         ana,ana@example.com,employee,agent,emea,max,DUB,Europe/Dublin,2024-01-08,,,2024-01-08,2025-12-31,783214;12\n\
         ana,,employee,lead,emea,max,DUB,Europe/Dublin,2024-01-08,,,2026-01-01,,783214;12\n\
         max,max@example.com,employee,manager,emea,,DUB,Europe/Dublin,,2026-12-31,2026-11-30,,,\n\
         svc,,service,,,,,,,,,,,\n",
    ),
    ("shifts", "actor,start,end\nana,2026-03-02T08:00:00Z,2026-03-02T16:00:00Z\nmax,2026-03-02T09:00:00Z,2026-03-02T17:30:15Z\n"),
    (
        "schedules",
        "days,begin,finish,actor,team,role,site,tz,from,until\n\
         mon-fri,09:00,17:30,,emea,,,Europe/Dublin,2026-01-01,2026-12-31\nsat,10:00,24:00,ana,,,,,,\n",
    ),
    ("on_call", "actor,start,end\nana,2026-03-07,2026-03-08\n"),
    ("leave", "actor,start,end\nmax,2026-08-01,2026-08-14\n"),
    ("holidays", "date,site,name\n2026-12-25,,Christmas\n2026-03-17,DUB,\n"),
    (
        "tickets",
        "id,targets,assignee,team,opened_by,opened,closed\n\
         CS-1,783214;12,ana,emea,max,2026-03-02T09:00:00.250Z,2026-03-03T09:00:00Z\ncs-2,,ana;max,,max,2026-03-02T10:00:00Z,\n4711,9,,emea,,,\n",
    ),
    (
        "entitlements",
        "role,tool,actions,ticket,purposes,from,until\n\
         agent,crm,account.*;password.reset,needed,support,2026-01-01,\nlead,*,,not_needed,support;fraud,,2026-12-31\n",
    ),
    ("watchlists", "target,tier,list,from,until\n783214,gold,vip,2026-01-01,\n@usa,,,,\n"),
    (
        "devices",
        "id,owner,managed,encrypted,patched,from,until\nd-1,ana,true,true,false,2026-01-01,\nd-2,max,false,,true,,2026-12-31\n77,,,,,,\n",
    ),
    ("networks", "network,name\n10.0.0.0/8,Dublin\nfd00::/8,\n"),
    ("resources", "kind,id,purposes\ntool,crm,support;fraud\ndataset,ads,advertising\n"),
];

fn loaded(files: Vec<File>) -> Loaded {
    load(&files.into_boxed_slice(), Taxonomy::default())
}

/// Everything that a context knows, but for how its indices lie in memory.
fn known(it: &Context) -> String {
    let networks = ["10.1.2.3", "fd12::1", "192.0.2.1"].map(|ip| it.networks.find(ip.parse().unwrap()));
    let (roster, calendar, tickets, things) = (&it.roster, &it.calendar, &it.tickets, &it.things);
    let names = ["ana", "max", "CS-1", "CS-2", "783214", "gold", "Dublin"].map(|name| it.names.find(name));
    format!("{roster:#?}\n{calendar:#?}\n{tickets:#?}\n{things:#?}\n{networks:?} {names:?} {}", it.networks.len())
}

#[test]
fn each_table_says_the_same_as_csv_and_as_parquet() {
    assert_eq!(TABLES.map(|it| Table::named(it.0)).len(), Table::ALL.len());
    for (name, csv) in TABLES {
        let table = Table::named(name).unwrap();
        assert_eq!(csv.lines().next().unwrap(), table.columns().join(","), "{name}");
        let of_csv = loaded(vec![File::new(format!("{name}.csv"), csv)]);
        let text = rows(parquet_of_csv(csv)).unwrap();
        let of_parquet = loaded(vec![File::new(format!("{name}.parquet"), text.as_str())]);
        assert_eq!(of_csv.problems, [], "{name}");
        assert_eq!(of_parquet.problems, [], "{name}: {text}");
        assert_eq!(known(&of_parquet.context), known(&of_csv.context), "{name}: {text}");
        let (one, other) = (&of_csv.tables[0], &of_parquet.tables[0]);
        assert_eq!((one.rows, one.times, &one.remarks), (other.rows, other.times, &other.remarks), "{name}");
    }
}

#[test]
fn all_tables_together_say_the_same() {
    let csv = TABLES.iter().map(|(name, csv)| File::new(format!("{name}.csv"), *csv)).collect();
    let parquet =
        TABLES.iter().map(|(name, csv)| File::new(format!("{name}.parquet"), rows(parquet_of_csv(csv)).unwrap())).collect();
    let (csv, parquet) = (loaded(csv), loaded(parquet));
    assert_eq!((csv.problems.len(), parquet.problems.len()), (0, 0));
    assert_eq!(known(&parquet.context), known(&csv.context));
}

#[test]
fn what_is_wrong_with_a_row_has_its_file_its_row_and_its_column() {
    let bytes = parquet(&[
        ("actor", Cells::Text(vec![Some("ana"), None, Some("max")])),
        ("start", Cells::Text(vec![Some("2026-03-02"), Some("2026-03-02"), Some("someday")])),
        ("end", Cells::Days(vec![Some(20_514), Some(20_514), Some(20_514)])),
    ]);
    let problems = loaded(vec![File::new("ctx/leave.parquet", rows(bytes).unwrap())]).problems;
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("ctx/leave.parquet:2:1: error: no `actor`"), "{told:?}");
    assert!(told[1].starts_with("ctx/leave.parquet:3:1: error: `start`: `someday` is no time"), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn a_column_that_has_to_be_there_is_missed_also_without_rows() {
    let bytes = parquet(&[("actor", Cells::Text(vec![])), ("begin", Cells::Text(vec![]))]);
    let problems = loaded(vec![File::new("leave.parquet", rows(bytes).unwrap())]).problems;
    assert!(problems[0].to_string().contains("the table `leave` has no column `start`; there are: actor, begin"), "{problems:?}");
}

#[test]
fn lists_may_be_texts_with_separators_and_lists_of_lists_are_refused() {
    let column = Cells::Text(vec![Some("783214;12")]);
    let text = rows(parquet(&[("id", Cells::Text(vec![Some("CS-1")])), ("targets", column)])).unwrap();
    let context = loaded(vec![File::new("tickets.parquet", text)]).context;
    let (_, span) = context.tickets.iter().next().unwrap();
    assert_eq!(context.tickets.targets(span).len(), 2);
    let bytes = parquet(&[("id", Cells::Text(vec![Some("CS-1")])), ("targets", Cells::ListsOfLists(1))]);
    let problems = loaded(vec![File::new("tickets.parquet", rows(bytes).unwrap())]).problems;
    assert!(
        problems[0].to_string().contains("tickets.parquet:1:1: error: `targets` is neither a value nor a list"),
        "{problems:?}"
    );
}

/// Written by pyarrow 26.0.1: zstd, data pages of the second version, dictionaries, instants in nanoseconds without and in microseconds
/// with a zone, lists of both kinds, small and floating and decimal numbers.
const OF_ARROW: &[u8] = include_bytes!("arrow.parquet");
/// The same writer as Spark and others used to: snappy, instants of 96 bits, no schema of Arrow's; and a view, booleans, a time of day.
const OF_SPARK: &[u8] = include_bytes!("spark.parquet");

#[test]
fn files_of_others_are_read() {
    let expected = "[\"id\",\"targets\",\"assignee\",\"team\",\"opened_by\",\"opened\",\"closed\",\"priority\",\"score\",\"amount\"]\n\
        {\"id\":\"CS-1\",\"targets\":[\"783214\",\"12\"],\"assignee\":[\"ana\"],\"team\":\"emea\",\"opened_by\":\"max\",\
        \"opened\":\"2026-03-02T09:00:00.123Z\",\"closed\":\"2026-03-03T09:00:00.000Z\",\"priority\":1,\"score\":1}\n\
        {\"id\":\"CS-2\",\"targets\":[],\"assignee\":[\"bo\",\"max\"],\"team\":\"emea\",\"opened_by\":\"max\",\
        \"opened\":\"2026-03-02T10:00:00.000Z\",\"priority\":2,\"score\":2.5,\"amount\":\"12\"}\n\
        {\"id\":\"cs-3\",\"targets\":[],\"assignee\":[],\"opened_by\":\"max\",\"closed\":\"2026-03-04T18:30:00.000Z\",\"amount\":\"7\"}\n";
    assert_eq!(rows(OF_ARROW.to_vec()).unwrap(), expected);
    let expected = "[\"id\",\"owner\",\"managed\",\"encrypted\",\"from\",\"until\",\"bought\"]\n\
        {\"id\":7,\"owner\":\"ana\",\"managed\":true,\"encrypted\":true,\"from\":\"2026-01-01T00:00:00.000Z\",\"until\":\"2026-12-31\",\"bought\":\"09:00\"}\n\
        {\"id\":8,\"owner\":\"bo\",\"managed\":false,\"from\":\"2026-01-02T12:30:00.000Z\",\"bought\":\"17:30:15\"}\n\
        {\"id\":9,\"owner\":\"cy\",\"encrypted\":true}\n";
    assert_eq!(rows(OF_SPARK.to_vec()).unwrap(), expected);
    let files = [("tickets.parquet", OF_ARROW), ("devices.parquet", OF_SPARK)];
    let files = files.map(|(name, bytes)| File::new(name, rows(bytes.to_vec()).unwrap()));
    assert_eq!(loaded(files.to_vec()).problems, []);
}

#[test]
fn instants_of_any_unit_are_the_same_instant() {
    for (unit, per_ms) in [("MILLIS", 1), ("MICROS", 1_000), ("NANOS", 1_000_000)] {
        for has_zone in [true, false] {
            let cells = Cells::Instants(unit, has_zone, vec![Some(1_772_442_000_250 * per_ms), None, Some(-per_ms)]);
            let text = rows(parquet(&[("t", cells)])).unwrap();
            assert_eq!(
                text, "[\"t\"]\n{\"t\":\"2026-03-02T09:00:00.250Z\"}\n{}\n{\"t\":\"1969-12-31T23:59:59.999Z\"}\n",
                "{unit} {has_zone}"
            );
        }
    }
}

#[track_caller]
fn check_wrong(bytes: &[u8], expected: &str) {
    let Trouble { row, reason, .. } = rows(bytes.to_vec()).unwrap_err();
    assert_eq!((row, reason.as_str()), (1, expected));
}

#[test]
fn what_is_no_parquet_file_is_named() {
    check_wrong(b"", "this is no Parquet file");
    check_wrong(b"id,role\nana,agent\n", "this is no Parquet file");
    check_wrong(b"PAR1", "the Parquet file is cut off");
    check_wrong(&OF_ARROW[..OF_ARROW.len() - 1], "the Parquet file is cut off");
    check_wrong(b"PARE    PARE", "the Parquet file is encrypted");
    let Trouble { row, reason, .. } = rows(parquet(&[("t", Cells::Days(vec![Some(1), Some(i32::MAX)]))])).unwrap_err();
    assert!(
        row == 2 && reason.starts_with("`t`: ") && reason.ends_with("is no time between the years 1 and 9999"),
        "{row} {reason}"
    );
    let Trouble { row, reason, .. } = rows(parquet(&[("t", Cells::Bytes(vec![b"a", b"\xff"]))])).unwrap_err();
    assert_eq!((row, reason.as_str()), (2, "`t`: not UTF-8 text"));
}

#[test]
fn damage_is_an_error_or_other_rows_and_never_an_end() {
    let own = parquet_of_csv(TABLES[6].1);
    for whole in [OF_ARROW, OF_SPARK, &own] {
        for length in 0..whole.len() {
            // With an end that looks whole.
            let cut = [&whole[..length], b"PAR1"].concat();
            assert!(length >= whole.len() - 4 || rows(cut).is_err(), "{length} bytes");
        }
        let mut random = 7_u64;
        for at in 4..whole.len() - 4 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut damaged = whole.to_vec();
            damaged[at] ^= random.to_be_bytes()[0] | 1;
            drop(rows(damaged));
        }
    }
}

#[test]
fn rows_of_many_batches_and_groups_stay_in_order() {
    let ids: Vec<String> = (0..10_000).map(|it| it.to_string()).collect();
    let cells = Cells::Text(ids.iter().map(|it| Some(it.as_str()).filter(|it| !it.ends_with('7'))).collect());
    let lists = Cells::Lists((0..10_000).map(|it| vec!["x"; it % 4]).collect());
    let text = rows(write::parquet_in_groups(&[("id", cells), ("tags", lists)], 7_000)).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 10_000);
    assert_eq!((lines[5_000], lines[9_999]), ("{\"id\":\"5000\",\"tags\":[]}", "{\"id\":\"9999\",\"tags\":[\"x\",\"x\",\"x\"]}"));
    assert_eq!(lines[7], "{\"tags\":[\"x\",\"x\",\"x\"]}");
}
