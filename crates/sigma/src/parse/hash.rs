//! The version of a rule: a hash of what it says, not of how it is laid out.

use super::yaml::{Kind, Node, Typed};
use crate::fnv::Fnv;
use crate::lists::Lists;
use crate::number::Number;
use std::collections::BTreeSet;

/// 16 hexadecimal digits that stay the same when comments, white space, quotes around texts or the order of keys change.
pub(super) fn version(document: &Node) -> String {
    let mut hash = Fnv::new();
    write(document, &mut hash);
    hash.digits()
}

/// The version of a document that expands lists: another one when an entry of theirs is another.
pub(super) fn with_lists(version: String, document: &Node, lists: &Lists) -> String {
    let mut names = BTreeSet::new();
    expanded(document, false, &mut names);
    if names.is_empty() {
        return version;
    }
    let mut hash = Fnv::new();
    hash.write_text(&version);
    for name in names {
        hash.write_text(name);
        lists.get(name).unwrap_or_default().iter().for_each(|it| hash.write_text(it));
    }
    hash.digits()
}

/// Whatever stands between two `%` in a value under `|expand`: the names of lists, and perhaps more, which does no harm.
fn expanded<'n>(node: &'n Node, is_expanding: bool, names: &mut BTreeSet<&'n str>) {
    match &node.kind {
        Kind::Scalar(scalar) if is_expanding => names.extend(scalar.text.split('%').skip(1)),
        Kind::Scalar(_) => {}
        Kind::Sequence(nodes) => nodes.iter().for_each(|it| expanded(it, is_expanding, names)),
        Kind::Map(pairs) => {
            for (key, value) in pairs {
                expanded(value, is_expanding || key.text.split('|').skip(1).any(|it| it == "expand"), names);
            }
        }
    }
}

fn write(node: &Node, hash: &mut Fnv) {
    match &node.kind {
        Kind::Scalar(scalar) => match scalar.typed {
            Typed::Null => hash.write(b"n"),
            Typed::Bool(value) => hash.write(&[b'b', u8::from(value)]),
            Typed::Int(value) => {
                hash.write(b"i");
                hash.write(&value.to_le_bytes());
            }
            Typed::Float(value) => {
                hash.write(b"f");
                hash.write(&value.to_bits().to_le_bytes());
                // Digits that the float does not have are part of the rule too.
                if Number::read(&scalar.text) != Number::read(&value.to_string()) {
                    hash.write_text(&scalar.text);
                }
            }
            Typed::Text => {
                hash.write(b"t");
                hash.write_text(&scalar.text);
            }
        },
        Kind::Sequence(nodes) => {
            hash.write(b"s");
            hash.write(&(nodes.len() as u64).to_le_bytes());
            for node in nodes {
                write(node, hash);
            }
        }
        Kind::Map(pairs) => {
            hash.write(b"m");
            hash.write(&(pairs.len() as u64).to_le_bytes());
            let mut sorted: Vec<_> = pairs.iter().collect();
            sorted.sort_by(|(left, _), (right, _)| left.text.cmp(&right.text));
            for (key, value) in sorted {
                hash.write_text(&key.text);
                write(value, hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Report;
    use super::super::yaml;
    use super::*;

    fn version_of(text: &str) -> String {
        version(&yaml::documents(text, &mut Report::new("t.yml"))[0])
    }

    #[test]
    fn layout_comments_and_the_order_of_keys_do_not_change_the_version() {
        let version = version_of("a: x\nb: [1, two]\n");
        assert_eq!(version, version_of("# why\nb:\n  - 1\n  - 'two' # 2\n\na: \"x\"\n"));
        assert_eq!(version.len(), 16);
    }

    #[test]
    fn everything_that_is_said_changes_the_version() {
        let texts = [
            "a: 1",
            "a: '1'",
            "a: 2",
            "b: 1",
            "a: [1]",
            "a: [1, 2]",
            "a: [2, 1]",
            "a: {b: 1}",
            "a: null",
            "a: true",
            "a: 1.5",
            "a: ''",
        ];
        let versions: std::collections::BTreeSet<String> = texts.into_iter().map(version_of).collect();
        assert_eq!(versions.len(), texts.len());
    }

    #[test]
    fn a_version_stays_what_it_is_from_release_to_release() {
        assert_eq!(version_of("title: x\nlist: [1, a, null, true, 2.5]\n"), "cf1c8ef02d66ffcf");
    }
}
