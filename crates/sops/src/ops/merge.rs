//! Three versions of a file merged by value: what one side changed is taken, the MAC is made anew.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};
use similar::{DiffOp, TextDiff};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::error::{SopsError, overlap};
use crate::file::File;
use crate::format::Format;
use crate::keys::identities::Identities;
use crate::keys::key::Recipient;
use crate::ops::binary;
use crate::ops::decrypt::plaintext;
use crate::ops::edit::edits_at;
use crate::ops::key_change::KeyChange;
use crate::ops::opened::{MacCheck, Opened};
use crate::ops::rekey::rekey;
use crate::rules::rule::EncryptionRule;
use crate::secret::SecretText;
use crate::text::assemble::quoting_edits;
use crate::text::document::Documents;
use crate::text::keypath::{KeyPath, Step};
use crate::text::metadata::Metadata;
use crate::text::value::DataKey;
use yaml::apply;

/// What is merged: three versions of a file, encrypted.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'t> {
    /// The one that both sides come from; without a usable one, values that differ are conflicts.
    pub base: Option<&'t str>,
    /// The one that stays where there are conflicts.
    pub ours: &'t str,
    /// The one that is merged into it.
    pub theirs: &'t str,
    /// Recipients that may be added to those of ours.
    pub may_open: &'t [Recipient],
}

/// What merging came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The encrypted result. Where there are conflicts it holds our value.
    pub text: String,
    /// The paths at which both sides changed the same value in different ways.
    pub conflicts: Vec<String>,
    /// Recipients that theirs brought along and that nobody vouches for: they cannot open the result.
    pub left_out: Vec<String>,
}

/// A version of a file, opened.
struct Version {
    plain: Zeroizing<Vec<u8>>,
    key: DataKey,
    metadata: Metadata,
}

impl Version {
    fn open(format: Format, text: &str, identities: &Identities) -> Result<Self, SopsError> {
        let file = File::read(format, text)?;
        let opened = Opened::checked(&file, identities, MacCheck::Verify)?;
        let plain = if format == Format::Binary {
            binary::value(&opened)?.1.bytes.clone()
        } else {
            Zeroizing::new(plaintext(&opened)?.expose().as_bytes().to_vec())
        };
        Ok(Self {
            plain,
            key: opened.key.clone(),
            metadata: file.metadata.clone(),
        })
    }

    /// Returns the plaintext where it is text.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.plain).ok()
    }
}

/// See [`Format::merge`].
pub(crate) fn merge(
    format: Format,
    sides: Sides<'_>,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Merged, SopsError> {
    let Sides {
        base,
        ours,
        theirs,
        may_open,
    } = sides;
    let base = base.and_then(|text| Version::open(format, text, identities).ok());
    let (our, their) = (
        Version::open(format, ours, identities)?,
        Version::open(format, theirs, identities)?,
    );
    let mut conflicts = Vec::new();
    if (&our.metadata.selector, our.metadata.mac_only_encrypted)
        != (&their.metadata.selector, their.metadata.mac_only_encrypted)
    {
        conflicts.push(format!("sops.{}", our.metadata.selector.key()));
    }
    let plain = if format == Format::Binary {
        merged_bytes(base.as_ref(), &our, &their, &mut conflicts)
    } else {
        let text = merged_plain(format, base.as_ref(), &our, &their, &mut conflicts)?;
        Zeroizing::new(text.expose().as_bytes().to_vec())
    };
    let keys = keys(base.as_ref(), &our, &their, &mut conflicts)?;
    let mut left_out = Vec::new();
    let keys = keys
        .map(|rule| vouched(rule, &our, may_open, &mut left_out))
        .transpose()?;

    let mut rotated = base
        .as_ref()
        .is_some_and(|base| base.key.bytes() == our.key.bytes() && base.key.bytes() != their.key.bytes());
    if rotated && our.metadata.foreign_keys().is_some() {
        conflicts.push("the data key".to_owned());
        rotated = false;
    }
    let replaced = File::read(format, ours)?.replace(&plain, identities, entropy)?;
    let text = replaced.unwrap_or_else(|| ours.to_owned());
    let file = File::read(format, &text)?;
    let rekeyed = match keys {
        // A key of our own: who made theirs may have kept it.
        keys if rotated => {
            let rule = keys.map_or_else(|| our.metadata.rule(), Ok)?;
            Some(rekey(&file, &rule, true, identities, entropy)?)
        }
        Some(rule) if !file.key_change(&rule).is_empty() => file.update_keys(&rule, identities, entropy)?,
        _ => None,
    };
    drop(file);
    let text = rekeyed.map_or(text, |rekeyed| rekeyed.text);
    let edits = quoting_edits(&Documents::read(&text, format)?);
    Ok(Merged {
        text: apply(&text, &edits).ok_or_else(overlap)?,
        conflicts,
        left_out,
    })
}

/// Returns who should be able to open the result, as a rule; `None` when nobody changed that. Recipients of both sides are
/// merged; key groups are taken whole.
fn keys(
    base: Option<&Version>,
    our: &Version,
    their: &Version,
    conflicts: &mut Vec<String>,
) -> Result<Option<EncryptionRule>, SopsError> {
    let same = |one: &Version, other: &Version| -> Result<bool, SopsError> {
        Ok(KeyChange::between(&one.metadata, &other.metadata.rule()?).is_empty())
    };
    let foreign = |version: &Version| version.metadata.foreign_keys().is_some();
    if foreign(our) || foreign(their) || same(our, their)? {
        return Ok(None);
    }
    if our.metadata.groups.is_none() && their.metadata.groups.is_none() {
        let names = |version: &Version| -> Vec<String> {
            let names = version
                .metadata
                .age
                .iter()
                .map(|wrapped| wrapped.recipient.clone());
            names.collect()
        };
        let (old, mine, other) = (base.map(names).unwrap_or_default(), names(our), names(their));
        let both: BTreeSet<&String> = mine.iter().chain(&other).collect();
        let wanted = both
            .into_iter()
            .filter(|name| !old.contains(name) || mine.contains(name) && other.contains(name));
        let mut rule = our.metadata.rule()?;
        rule.recipients = Recipient::list(wanted.map(String::as_str))?;
        return Ok(Some(rule));
    }
    let (kept, moved) = match base {
        Some(base) => (same(base, their)?, same(base, our)?),
        None => (false, false),
    };
    if !kept && !moved {
        conflicts.push("sops.key_groups".to_owned());
    }
    let side = if moved { their } else { our };
    side.metadata.rule().map(Some)
}

/// Leaves those of a rule who can open our version, or of whom somebody else knows. Key groups are ours, if need be.
fn vouched(
    mut rule: EncryptionRule,
    our: &Version,
    may_open: &[Recipient],
    left_out: &mut Vec<String>,
) -> Result<EncryptionRule, SopsError> {
    let added = KeyChange::between(&our.metadata, &rule).added;
    let unknown = |name: &String| !may_open.iter().any(|one| one.as_str() == name);
    left_out.extend(added.into_iter().filter(unknown));
    if left_out.is_empty() {
        return Ok(rule);
    }
    rule.recipients
        .retain(|one| !left_out.iter().any(|name| name == one.as_str()));
    if rule.groups.is_some() || rule.recipients.is_empty() {
        return our.metadata.rule();
    }
    Ok(rule)
}

/// Merges files of one value: by lines where they are text, else the one that changed.
fn merged_bytes(
    base: Option<&Version>,
    our: &Version,
    their: &Version,
    conflicts: &mut Vec<String>,
) -> Zeroizing<Vec<u8>> {
    if our.plain == their.plain || base.is_some_and(|base| base.plain == their.plain) {
        return our.plain.clone();
    }
    if base.is_some_and(|base| base.plain == our.plain) {
        return their.plain.clone();
    }
    let lines = base.and_then(|base| by_lines(base.text()?, our.text()?, their.text()?));
    if let Some(text) = lines {
        return Zeroizing::new(text.expose().as_bytes().to_vec());
    }
    conflicts.push("data".to_owned());
    our.plain.clone()
}

/// Merges the plaintexts.
fn merged_plain(
    format: Format,
    base: Option<&Version>,
    our: &Version,
    their: &Version,
    conflicts: &mut Vec<String>,
) -> Result<SecretText, SopsError> {
    let text = |version: &'_ Version| SecretText::new(version.text().unwrap_or_default().to_owned());
    let (our, their, base) = (text(our), text(their), base.map(text));
    let ours = values(format, our.expose())?;
    let theirs = values(format, their.expose())?;
    let olds = base
        .as_ref()
        .map(|base| values(format, base.expose()))
        .transpose()?
        .unwrap_or_default();
    let lines = base
        .as_ref()
        .and_then(|base| by_lines(base.expose(), our.expose(), their.expose()))
        .filter(|text| Documents::read(text.expose(), format).is_ok());
    if ours.len() != theirs.len() {
        return Ok(lines.unwrap_or_else(|| {
            conflicts.push("the number of documents".to_owned());
            our
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
        && values(format, text.expose()).is_ok_and(|found| found == wanted)
    {
        return Ok(text);
    }
    let mut plain = our;
    for (document, (path, value)) in changes {
        plain = applied(format, &plain, document, &path, value.as_ref())?;
    }
    // The values judge once more what was made of the text.
    if values(format, plain.expose())? != wanted {
        return Err(overlap());
    }
    Ok(plain)
}

/// Makes one change to a plaintext.
fn applied(
    format: Format,
    plain: &SecretText,
    document: usize,
    path: &KeyPath,
    value: Option<&Value>,
) -> Result<SecretText, SopsError> {
    let docs = Documents::read(plain.expose(), format)?;
    let edits = edits_at(&docs, path.within(document), value)?;
    apply(plain.expose(), &edits)
        .map(SecretText::new)
        .ok_or_else(overlap)
}

fn values(format: Format, plain: &str) -> Result<Vec<Value>, SopsError> {
    let docs = Documents::read(plain, format)?;
    for (_, root) in docs.roots() {
        let mut seen = BTreeSet::new();
        if let Some((key, _)) = root.entries().iter().find(|(key, _)| !seen.insert(key.as_str())) {
            return Err(SopsError::Unsupported {
                what: "merging a file in which a section is there twice".to_owned(),
                span: Some(key.span.clone()),
            });
        }
    }
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
    Some(SecretText::new(out))
}
