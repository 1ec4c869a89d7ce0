//! What a line means, said slowly: the whole line through `serde_json`, then a look-up by name for each field.

use model::{Projection, RejectCode, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// A field as the oracle sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Missing,
    Is(Json),
    Within(Json, u8),
}

/// The fields of a line, or the codes with which it may be rejected. `None` if `serde_json` has a limit that we have not.
pub(super) fn expected(projection: &Projection, line: &str) -> Option<Result<Vec<Field>, &'static [RejectCode]>> {
    let tree: Tree = match serde_json::from_str(&without_halves(line)) {
        Ok(tree) => tree,
        Err(error) if error.to_string().starts_with("number out of range") => return None,
        Err(error) if error.to_string().starts_with("recursion limit") => {
            return Some(Err(&[RejectCode::TooDeep, RejectCode::DuplicateKey]));
        }
        Err(_) => return Some(Err(&[RejectCode::NotJson, RejectCode::DuplicateKey])),
    };
    if !matches!(tree, Tree::Object(_)) {
        return Some(Err(&[RejectCode::NotObject]));
    }
    let mut wanted: Vec<Wanted> = projection.paths().iter().map(|it| (0, it.segments().collect())).collect();
    for envelope in projection.envelopes() {
        let around: Vec<_> = envelope.segments().collect();
        wanted.push((around.len(), around.clone()));
        wanted.extend(projection.paths().iter().map(|it| (around.len(), around.iter().copied().chain(it.segments()).collect())));
    }
    if has_duplicate(&tree, &wanted) {
        return Some(Err(&[RejectCode::DuplicateKey]));
    }
    let fields = projection.paths().iter().map(|path| look_up(projection, &tree, &path.segments().collect::<Vec<_>>()));
    Some(fields.collect::<Option<_>>().ok_or(&[RejectCode::DuplicateKey]))
}

/// A line with every run of `\uXXXX` read as UTF-16 and written again, so that halves of surrogate pairs are U+FFFD.
fn without_halves(line: &str) -> String {
    let (mut out, mut units, mut rest) = (String::new(), Vec::new(), line);
    loop {
        let digits = rest.strip_prefix("\\u").and_then(|it| it.get(..4));
        let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit())); // `from_str_radix` takes a sign.
        let escaped = digits.and_then(|it| u16::from_str_radix(it, 16).ok());
        if let Some(unit) = escaped {
            units.push(unit);
            rest = &rest[6..];
            continue;
        }
        for char in String::from_utf16_lossy(&std::mem::take(&mut units)).chars() {
            out.extend(char.encode_utf16(&mut [0; 2]).iter().map(|it| format!("\\u{it:04x}")));
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => return out,
            Some('\\') => out.extend(['\\'].into_iter().chain(chars.next())),
            Some(char) => out.push(char),
        }
        rest = chars.as_str();
    }
}

/// What the decoder returned, as the oracle would see it.
pub(super) fn seen(value: &Value<'_>) -> Field {
    match value {
        Value::Missing => Field::Missing,
        Value::Within { array, depth } => Field::Within(serde_json::from_str(&without_halves(array)).unwrap(), *depth),
        other => Field::Is(other.to_json()),
    }
}

/// How many segments belong to an envelope, and all segments.
type Wanted<'a> = (usize, Vec<&'a str>);

/// A JSON value that keeps keys that stand twice.
#[derive(Debug, Clone)]
enum Tree {
    Scalar(Json),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    fn to_json(&self) -> Json {
        match self {
            Self::Scalar(scalar) => scalar.clone(),
            Self::Array(elements) => elements.iter().map(Self::to_json).collect(),
            Self::Object(members) => members.iter().map(|(key, it)| (key.clone(), it.to_json())).collect(),
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(it, _)| it == key).map(|(_, it)| it)
    }
}

fn has_duplicate(tree: &Tree, wanted: &[Wanted<'_>]) -> bool {
    match tree {
        Tree::Scalar(_) => false,
        Tree::Array(elements) => elements.iter().any(|it| has_duplicate(it, wanted)),
        Tree::Object(members) => members.iter().enumerate().any(|(at, (key, child))| {
            let is_read = wanted.iter().any(|(around, path)| taken(*around, path, key).is_some());
            if is_read && members[..at].iter().any(|(it, _)| it == key) {
                return true;
            }
            let deeper: Vec<_> = wanted
                .iter()
                .filter_map(|(around, path)| Some((*around, path, taken(*around, path, key)?)))
                .filter(|(_, path, taken)| *taken < path.len())
                .map(|(around, path, taken)| (around.saturating_sub(1), path[taken..].to_vec()))
                .collect();
            !deeper.is_empty() && has_duplicate(child, &deeper)
        }),
    }
}

/// How many segments of a path a key takes. The keys of an envelope take one each.
fn taken(around: usize, path: &[&str], key: &str) -> Option<usize> {
    let most = if around > 0 { 1 } else { path.len() };
    (1..=most).find(|&it| path[..it].join(".") == *key)
}

/// The field, and `None` where it has two values.
fn look_up(projection: &Projection, tree: &Tree, path: &[&str]) -> Option<Field> {
    let wrapped = projection.envelopes().iter().map(|it| it.segments().try_fold(tree, |object, key| object.get(key)));
    let bases = std::iter::once(Some(tree)).chain(wrapped).flatten();
    let mut found = Field::Missing;
    for base in bases {
        let mut places = Vec::new();
        look_up_in(base, path, 0, &mut places);
        if places.len() > 1 {
            return None;
        }
        found = if found == Field::Missing { places.pop().unwrap_or(Field::Missing) } else { found };
    }
    Some(found)
}

/// Every place below `object` at which the rest of a path stands, its first `depth` segments taken.
fn look_up_in(object: &Tree, path: &[&str], depth: usize, places: &mut Vec<Field>) {
    let Tree::Object(members) = object else { return };
    for (key, child) in members {
        let Some(taken) = taken(0, &path[depth..], key) else { continue };
        let depth = depth + taken;
        match child {
            _ if depth == path.len() => places.push(Field::Is(child.to_json())),
            Tree::Array(_) if reaches(child, &path[depth..]) => {
                places.push(Field::Within(child.to_json(), u8::try_from(depth).unwrap()));
            }
            _ => look_up_in(child, path, depth, places),
        }
    }
}

/// Whether anything stands at the rest of a path, arrays walked through.
fn reaches(tree: &Tree, rest: &[&str]) -> bool {
    match tree {
        _ if rest.is_empty() => true,
        Tree::Scalar(_) => false,
        Tree::Array(elements) => elements.iter().any(|it| reaches(it, rest)),
        Tree::Object(members) => {
            members.iter().any(|(key, it)| taken(0, rest, key).is_some_and(|taken| reaches(it, &rest[taken..])))
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl<'de> Visitor<'de> for Whole {
            type Value = Tree;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Scalar(Json::Null))
            }
            fn visit_bool<E>(self, it: bool) -> Result<Tree, E> {
                Ok(Tree::Scalar(it.into()))
            }
            fn visit_i64<E>(self, it: i64) -> Result<Tree, E> {
                Ok(Tree::Scalar(it.into()))
            }
            fn visit_u64<E>(self, it: u64) -> Result<Tree, E> {
                Ok(Tree::Scalar(it.into()))
            }
            fn visit_f64<E>(self, it: f64) -> Result<Tree, E> {
                Ok(Tree::Scalar(it.into()))
            }
            fn visit_str<E>(self, it: &str) -> Result<Tree, E> {
                Ok(Tree::Scalar(it.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Tree::Array(elements))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Tree::Object(members))
            }
        }
        deserializer.deserialize_any(Whole)
    }
}
