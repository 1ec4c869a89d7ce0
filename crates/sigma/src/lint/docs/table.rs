//! Which files there are about each code, compiled in.

use super::Entry;

/// Reads the files of each code; `fix` marks those that have a `fixed.yml`, `told` those that only reading and
/// compiling can find, `none` those that nothing makes at present.
macro_rules! entries {
    ($($number:literal $kind:ident)*) => { &[$(entries!(@$kind $number),)*] };
    (@none $number:literal) => { Entry { number: $number, about: entries!(@file $number "about.md"), bad: "", good: "", has_fix: false } };
    (@told $number:literal) => { entries!(@entry $number false) };
    (@lint $number:literal) => { entries!(@entry $number false) };
    (@fix $number:literal) => { entries!(@entry $number true) };
    (@entry $number:literal $has_fix:literal) => {
        Entry {
            number: $number,
            about: entries!(@file $number "about.md"),
            bad: entries!(@file $number "bad.yml"),
            good: entries!(@file $number "good.yml"),
            has_fix: $has_fix,
        }
    };
    (@file $number:literal $file:literal) => { include_str!(concat!("../testdata/", $number, "/", $file)) };
}

/// A code that is missing here is one that `--explain` has nothing to say about; the tests find it.
pub(super) const ENTRIES: &[Entry] = entries! {
    "NJ0001" lint
    "NJ0002" lint
    "NJ0003" lint
    "NJ0004" lint
    "NJ0005" lint
    "NJ0006" told
    "NJ0007" told
    "NJ0008" lint
    "NJ0010" lint
    "NJ0011" lint
    "NJ0012" lint
    "NJ0013" lint
    "NJ0014" none
    "NJ0101" lint
    "NJ0102" lint
    "NJ0103" lint
    "NJ0104" lint
    "NJ0105" lint
    "NJ0106" lint
    "NJ0107" lint
    "NJ0108" lint
    "NJ0109" fix
    "NJ0110" lint
    "NJ0111" lint
    "NJ0112" lint
    "NJ0113" lint
    "NJ0114" lint
    "NJ0115" lint
    "NJ0116" lint
    "NJ0201" lint
    "NJ0202" lint
    "NJ0203" lint
    "NJ0204" lint
    "NJ0205" lint
    "NJ0206" lint
    "NJ0207" lint
    "NJ0208" lint
    "NJ0209" lint
    "NJ0210" lint
    "NJ0211" lint
    "NJ0301" lint
    "NJ0302" lint
    "NJ0303" lint
    "NJ0304" lint
    "NJ0305" fix
    "NJ0306" lint
    "NJ0307" lint
    "NJ0308" lint
    "NJ0309" lint
    "NJ0310" lint
    "NJ0311" lint
    "NJ0312" lint
    "NJ0313" fix
    "NJ0314" lint
    "NJ0321" told
    "NJ0322" told
    "NJ0323" told
    "NJ0324" told
    "NJ0401" lint
    "NJ0402" lint
    "NJ0403" lint
    "NJ0404" lint
    "NJ0405" lint
    "NJ0406" lint
    "NJ0407" lint
    "NJ0408" lint
    "NJ0409" lint
    "NJ0410" lint
    "NJ0411" lint
    "NJ0412" lint
    "NJ0413" lint
    "NJ0414" lint
    "NJ0451" lint
    "NJ0452" lint
    "NJ0453" lint
    "NJ0501" lint
    "NJ0502" lint
    "NJ0503" lint
    "NJ0504" lint
    "NJ0505" lint
    "NJ0506" told
    "NJ0507" lint
    "NJ0550" told
    "NJ0551" told
    "NJ0552" told
    "NJ0553" told
    "NJ0554" told
    "NJ0555" told
    "NJ0601" lint
    "NJ1001" fix
    "NJ1002" lint
    "NJ1003" fix
    "NJ1004" lint
    "NJ1005" fix
    "NJ1006" lint
    "NJ1007" lint
    "NJ1008" lint
    "NJ1009" fix
    "NJ1101" lint
    "NJ1102" lint
    "NJ1103" lint
    "NJ1104" lint
    "NJ1105" lint
    "NJ1106" lint
    "NJ1107" fix
    "NJ1108" lint
    "NJ1109" lint
    "NJ1110" lint
    "NJ1111" lint
    "NJ1112" fix
    "NJ1113" fix
    "NJ1114" fix
    "NJ1115" lint
    "NJ1116" lint
    "NJ1117" lint
    "NJ1118" fix
    "NJ1119" lint
    "NJ1120" lint
    "NJ1121" lint
    "NJ1122" lint
    "NJ1123" lint
    "NJ1124" lint
    "NJ1201" lint
    "NJ1202" lint
    "NJ1203" lint
    "NJ1204" fix
    "NJ1205" lint
    "NJ1206" lint
    "NJ1207" fix
    "NJ1208" fix
    "NJ1209" fix
    "NJ1210" fix
    "NJ1211" fix
    "NJ1212" lint
    "NJ1213" fix
    "NJ1214" lint
    "NJ1215" lint
    "NJ1216" lint
    "NJ1217" lint
    "NJ1218" lint
    "NJ1219" lint
    "NJ1220" lint
    "NJ1231" lint
    "NJ1232" lint
    "NJ1233" lint
    "NJ1234" fix
    "NJ1235" lint
    "NJ1236" lint
    "NJ1237" lint
    "NJ1238" fix
    "NJ1301" lint
    "NJ1302" lint
    "NJ1303" lint
    "NJ1304" lint
    "NJ1305" lint
    "NJ1306" lint
    "NJ1307" lint
    "NJ1308" lint
    "NJ1309" lint
    "NJ1310" fix
    "NJ1311" lint
    "NJ1312" lint
    "NJ1401" lint
    "NJ1402" lint
    "NJ1403" lint
    "NJ1404" lint
    "NJ1405" lint
    "NJ1501" lint
    "NJ1502" lint
    "NJ1503" lint
    "NJ1504" lint
    "NJ1505" lint
    "NJ1506" lint
    "NJ1507" lint
    "NJ1508" lint
    "NJ1509" lint
    "NJ1510" lint
    "NJ1601" lint
    "NJ1602" lint
    "NJ1603" lint
    "NJ1604" lint
    "NJ1605" lint
    "NJ1606" lint
    "NJ1607" lint
    "NJ1701" lint
    "NJ1702" lint
    "NJ1703" lint
};
