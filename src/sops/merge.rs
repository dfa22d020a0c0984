//! Three versions of a file merged by value: what one side changed is taken, the MAC is made anew.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};
use similar::{DiffOp, TextDiff};

use super::decrypt::{MacCheck, decrypt};
use super::document::Documents;
use super::edit::replace;
use super::error::SopsError;
use super::key::{Identities, Recipient};
use super::keypath::{KeyPath, Step};
use super::metadata::Metadata;
use super::place::Place;
use super::plan::overlap;
use super::rekey::update_keys;
use super::splice::apply;
use super::value::DataKey;
use crate::sys::{Entropy, SecretText};
use crate::yaml;

/// What merging came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The encrypted result. Where there are conflicts it holds our value.
    pub text: String,
    /// The paths at which both sides changed the same value in different ways.
    pub conflicts: Vec<String>,
}

/// A version of a file, opened.
struct Version {
    plain: SecretText,
    key: DataKey,
    metadata: Metadata,
}

impl Version {
    fn open(text: &str, identities: &Identities) -> Result<Self, SopsError> {
        let docs = Documents::parse(text)?;
        let metadata = Metadata::read(&docs)?;
        Ok(Self {
            plain: decrypt(text, identities, MacCheck::Verify)?,
            key: super::groups::open(&metadata, identities)?,
            metadata,
        })
    }

    fn recipients(&self) -> BTreeSet<&str> {
        self.metadata
            .age
            .iter()
            .map(|wrapped| wrapped.recipient.as_str())
            .collect()
    }
}

/// Merges `theirs` into `ours`, seen from `base`; without a usable base, values that differ are conflicts.
///
/// Mappings are merged key by key; lists and single values are taken whole. Comments and layout of both sides are kept
/// where their lines do not touch, else those of ours. Recipients are merged as well: one that either side removed is
/// gone, with a new data key; a rotation on either side counts.
///
/// # Errors
/// When `ours` or `theirs` cannot be opened, was changed by hand, or the result cannot be written.
pub fn merge(
    base: Option<&str>,
    ours: &str,
    theirs: &str,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Merged, SopsError> {
    let base = base.and_then(|text| Version::open(text, identities).ok());
    let (our, their) = (
        Version::open(ours, identities)?,
        Version::open(theirs, identities)?,
    );
    let mut conflicts = Vec::new();
    if (&our.metadata.selector, our.metadata.mac_only_encrypted)
        != (&their.metadata.selector, their.metadata.mac_only_encrypted)
    {
        conflicts.push(format!("sops.{}", our.metadata.selector.key()));
    }
    let plain = merged_plain(base.as_ref(), &our, &their, &mut conflicts)?;

    let rotated = base
        .as_ref()
        .is_some_and(|base| base.key.bytes() == our.key.bytes() && base.key.bytes() != their.key.bytes());
    let carrier = if rotated && conflicts.is_empty() {
        theirs
    } else {
        ours
    };
    let text = replace(carrier, plain.expose(), identities, entropy)?.unwrap_or_else(|| carrier.to_owned());

    let (old, mine, other) = (
        base.as_ref().map(Version::recipients).unwrap_or_default(),
        our.recipients(),
        their.recipients(),
    );
    let wanted: Vec<&str> = mine
        .union(&other)
        .copied()
        .filter(|name| !old.contains(name) || mine.contains(name) && other.contains(name))
        .collect();
    let there = if rotated && conflicts.is_empty() {
        &other
    } else {
        &mine
    };
    let text = if wanted.iter().copied().collect::<BTreeSet<_>>() == *there {
        text
    } else {
        match update_keys(&text, &Recipient::list(wanted)?, identities, entropy)? {
            Some(rekeyed) => rekeyed.text,
            None => text,
        }
    };
    Ok(Merged { text, conflicts })
}

/// Merges the plaintexts.
fn merged_plain(
    base: Option<&Version>,
    our: &Version,
    their: &Version,
    conflicts: &mut Vec<String>,
) -> Result<SecretText, SopsError> {
    let ours = values(our.plain.expose())?;
    let theirs = values(their.plain.expose())?;
    let olds = base
        .map(|base| values(base.plain.expose()))
        .transpose()?
        .unwrap_or_default();
    let lines = base.and_then(|base| by_lines(base.plain.expose(), our.plain.expose(), their.plain.expose()));
    if ours.len() != theirs.len() {
        return Ok(lines.unwrap_or_else(|| {
            conflicts.push("the number of documents".to_owned());
            our.plain.clone()
        }));
    }
    let mut wanted = ours.clone();
    let mut changes = Vec::new();
    let before = conflicts.len();
    for (number, theirs) in theirs.iter().enumerate() {
        let mut way = Vec::new();
        let old = olds.get(number);
        let mut found = Changes {
            edits: Vec::new(),
            conflicts: Vec::new(),
        };
        found.between(old, &mut wanted[number], theirs, &mut way);
        changes.extend(found.edits.into_iter().map(|edit| (number, edit)));
        conflicts.extend(found.conflicts.into_iter().map(|path| match number {
            0 => path.to_string(),
            _ => format!("document {}: {path}", number + 1),
        }));
    }
    if conflicts.len() == before
        && let Some(text) = lines
        && values(text.expose()).is_ok_and(|found| found == wanted)
    {
        return Ok(text);
    }
    let mut plain = our.plain.clone();
    for (document, (path, value)) in changes {
        plain = applied(&plain, document, &path, value.as_ref())?;
    }
    Ok(plain)
}

/// Makes one change to a plaintext.
fn applied(
    plain: &SecretText,
    document: usize,
    path: &KeyPath,
    value: Option<&Value>,
) -> Result<SecretText, SopsError> {
    let docs = Documents::parse(plain.expose())?;
    let place = Place::new(&docs, document, path)?;
    let edits = match value {
        Some(value) => place.set(value)?,
        None => place.unset()?,
    };
    apply(plain.expose(), &edits)
        .map(SecretText::new)
        .ok_or_else(overlap)
}

fn values(plain: &str) -> Result<Vec<Value>, SopsError> {
    let docs = Documents::parse(plain)?;
    Ok(docs.roots().map(|(_, root)| root.to_json()).collect())
}

/// What is to be done to our side.
struct Changes {
    edits: Vec<(KeyPath, Option<Value>)>,
    conflicts: Vec<KeyPath>,
}

impl Changes {
    /// Brings `ours` to what both sides want, and notes how.
    fn between(&mut self, old: Option<&Value>, ours: &mut Value, theirs: &Value, way: &mut Vec<Step>) {
        if let (Value::Object(mine), Value::Object(other)) = (&mut *ours, theirs) {
            let empty = Map::new();
            let old = old.and_then(Value::as_object).unwrap_or(&empty);
            let keys: Vec<String> = mine.keys().chain(other.keys()).cloned().collect();
            let mut seen = BTreeSet::new();
            for key in keys.into_iter().filter(|key| seen.insert(key.clone())) {
                way.push(Step::Key(key.clone()));
                let path = || KeyPath::new(way.clone());
                match (old.get(&key), mine.get_mut(&key), other.get(&key)) {
                    (old, Some(mine), Some(other)) => self.between(old, mine, other, way),
                    (Some(old), None, Some(other)) if old != other => self.conflicts.push(path()),
                    (Some(old), Some(mine_now), None) => {
                        if old == mine_now {
                            self.edits.push((path(), None));
                            mine.shift_remove(&key);
                        } else {
                            self.conflicts.push(path());
                        }
                    }
                    (None, None, Some(other)) => {
                        self.edits.push((path(), Some(other.clone())));
                        mine.insert(key, other.clone());
                    }
                    _ => {}
                }
                way.pop();
            }
            return;
        }
        if ours == theirs || old == Some(theirs) {
            return;
        }
        if old == Some(ours) {
            self.edits.push((KeyPath::new(way.clone()), Some(theirs.clone())));
            ours.clone_from(theirs);
        } else {
            self.conflicts.push(KeyPath::new(way.clone()));
        }
    }
}

/// Merges three texts by lines; `None` when both sides changed the same or neighbouring lines in different ways.
fn by_lines(base: &str, ours: &str, theirs: &str) -> Option<SecretText> {
    let changes = |other: &str| -> Vec<(Range<usize>, Range<usize>)> {
        let diff = TextDiff::from_lines(base, other);
        let ops = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
        ops.map(|op| (op.old_range(), op.new_range())).collect()
    };
    let (mine, other) = (changes(ours), changes(theirs));
    let lines = |text: &'_ str| -> Vec<String> { text.split_inclusive('\n').map(str::to_owned).collect() };
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let mut out = String::new();
    let (mut at, mut i, mut j) = (0, 0, 0);
    loop {
        let (next, is_mine) = match (mine.get(i), other.get(j)) {
            (Some(one), Some(two)) if one == two && ours[one.1.clone()] == theirs[two.1.clone()] => {
                j += 1;
                (one, true)
            }
            (Some(one), Some(two)) => {
                let touch = one.0.start <= two.0.end && two.0.start <= one.0.end;
                if touch {
                    return None;
                }
                if one.0.start < two.0.start {
                    (one, true)
                } else {
                    (two, false)
                }
            }
            (Some(one), None) => (one, true),
            (None, Some(two)) => (two, false),
            (None, None) => break,
        };
        base.get(at..next.0.start)?
            .iter()
            .for_each(|line| out.push_str(line));
        let new = if is_mine { &ours } else { &theirs };
        new[next.1.clone()].iter().for_each(|line| out.push_str(line));
        at = next.0.end;
        if is_mine {
            i += 1;
        } else {
            j += 1;
        }
    }
    base.get(at..)?.iter().for_each(|line| out.push_str(line));
    yaml::parse(&out).is_ok().then(|| SecretText::new(out))
}
