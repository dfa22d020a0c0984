//! Changes of files that hold secrets, told by keys alone.
//!
//! Compares the texts of two sides, ciphertext or not, by YAML path; works without any key. No value of either side
//! ever leaves this module, not even a plain one: the old side may be a file that nobody encrypted.

use std::collections::{BTreeMap, BTreeSet};

use yaml::{Kind, Node};

use crate::world::secrecy;

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Only the new side has it.
    Added,
    /// Only the old side has it.
    Removed,
    /// Both have it, with different texts.
    Changed,
    /// Both have it, encrypted with different data keys: no ciphertext tells whether the value differs as well.
    #[serde(rename = "sealed anew")]
    Sealed,
}

impl KeyState {
    /// Returns the word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Sealed => "sealed anew",
        }
    }
}

/// A key that differs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ChangedKey {
    /// The way to it, such as `stringData.admin-password`; `document 2: …` from the second document on.
    pub key: String,
    /// What happened.
    pub change: KeyState,
}

/// What differs between two versions of a sensitive file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyDiff {
    /// The keys outside of the `sops` block, sorted.
    pub keys: Vec<ChangedKey>,
    /// What changed in the `sops` block or around the keys, in words. A new MAC or time alone is not told.
    pub notes: Vec<&'static str>,
}

/// Compares two versions of a sensitive YAML file; `None` stands for no file.
pub fn compare(old: Option<&[u8]>, new: Option<&[u8]>) -> KeyDiff {
    compare_as(old, new, &|text| yaml::parse(text).ok())
}

/// Compares two versions of a sensitive file whose documents `parse` finds.
pub fn compare_as(
    old: Option<&[u8]>,
    new: Option<&[u8]>,
    parse: &dyn Fn(&str) -> Option<Vec<Node>>,
) -> KeyDiff {
    let mut diff = KeyDiff::default();
    let read = |bytes| read(&parse(std::str::from_utf8(bytes).ok()?)?);
    let (Some(before), Some(after)) = (
        old.map_or(Some(Keys::default()), read),
        new.map_or(Some(Keys::default()), read),
    ) else {
        diff.notes.push("content changed");
        return diff;
    };
    let other_key = has_other_data_key(&before, &after);
    let keys: BTreeSet<&String> = before.values.keys().chain(after.values.keys()).collect();
    for key in keys {
        let change = match (before.values.get(key), after.values.get(key)) {
            (None, _) => KeyState::Added,
            (_, None) => KeyState::Removed,
            (Some(a), Some(b)) if a != b && other_key && is_ciphertext(a) && is_ciphertext(b) => {
                KeyState::Sealed
            }
            (Some(a), Some(b)) if a != b => KeyState::Changed,
            _ => continue,
        };
        let key = key.clone();
        diff.keys.push(ChangedKey { key, change });
    }
    diff.notes.extend(sops_note(&before, &after));
    if diff == KeyDiff::default() && old.is_some() && new.is_some() && before.sops == after.sops && old != new
    {
        diff.notes.push("comments or layout changed");
    }
    diff
}

/// Returns whether two files have data keys that have nothing to do with each other: no recipient kept what it was given.
fn has_other_data_key(before: &Keys, after: &Keys) -> bool {
    fn wrapped(keys: &Keys) -> BTreeSet<&String> {
        let entries = keys.sops.iter();
        entries
            .filter(|(key, _)| last(key) == "enc")
            .map(|(_, value)| value)
            .collect()
    }
    let (old, new) = (wrapped(before), wrapped(after));
    !old.is_empty() && !new.is_empty() && old.is_disjoint(&new)
}

/// Returns whether a leaf is encrypted.
fn is_ciphertext(leaf: &str) -> bool {
    leaf.split_once('=')
        .is_some_and(|(_, value)| secrecy::is_ciphertext(value))
}

fn sops_note(before: &Keys, after: &Keys) -> Option<&'static str> {
    let settings = |keys: &Keys| -> BTreeMap<String, String> {
        let entries = keys.sops.iter();
        entries
            .filter(|(key, _)| !matches!(last(key), "mac" | "lastmodified"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let (old, new) = (settings(before), settings(after));
    match (before.sops.is_empty(), after.sops.is_empty()) {
        _ if before.values.is_empty() || after.values.is_empty() => None,
        (true, false) => Some("now encrypted"),
        (false, true) => Some("no longer encrypted"),
        _ if old == new => None,
        _ if recipients(&old) != recipients(&new) => Some("recipients changed"),
        _ => Some("data key or encryption settings changed"),
    }
}

/// Returns who can decrypt: values that are public.
fn recipients(sops: &BTreeMap<String, String>) -> BTreeSet<&String> {
    sops.iter()
        .filter(|(key, _)| {
            matches!(
                last(key),
                "recipient" | "fp" | "arn" | "resource_id" | "vault_url" | "vault_address" | "engine_path"
            )
        })
        .map(|(_, value)| value)
        .collect()
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or_default()
}

/// The leaves of a file by their way.
#[derive(Default)]
struct Keys {
    values: BTreeMap<String, String>,
    sops: BTreeMap<String, String>,
}

fn read(documents: &[Node]) -> Option<Keys> {
    let mut keys = Keys::default();
    for (i, document) in documents.iter().enumerate() {
        let Kind::Map(entries) = &document.kind else {
            return None;
        };
        let prefix = match i {
            0 => String::new(),
            i => format!("document {}: ", i + 1),
        };
        for (key, value) in entries {
            let name = segment(key.as_str().unwrap_or_default());
            let into = if name == "sops" && matches!(value.kind, Kind::Map(_)) {
                &mut keys.sops
            } else {
                &mut keys.values
            };
            leaves(value, format!("{prefix}{name}"), into);
        }
    }
    Some(keys)
}

fn leaves(node: &Node, way: String, out: &mut BTreeMap<String, String>) {
    let tag = node.tag.as_deref().unwrap_or_default();
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let name = segment(key.as_str().unwrap_or_default());
                leaves(value, format!("{way}.{name}"), out);
            }
        }
        Kind::Seq(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, format!("{way}[{i}]"), out);
            }
        }
        Kind::Map(_) => drop(out.insert(way, "{}".to_owned())),
        Kind::Seq(_) => drop(out.insert(way, "[]".to_owned())),
        Kind::Scalar { value, .. } => drop(out.insert(way, format!("{tag}={value}"))),
        Kind::Alias(id) => drop(out.insert(way, format!("*{id}"))),
    }
}

/// Returns a key as a part of a way: quoted when it has a dot, without control characters.
fn segment(key: &str) -> String {
    let clean = crate::diag::screen::line(key).into_owned();
    if clean.contains(['.', '[', ' ', ':']) || clean.is_empty() {
        format!("\"{clean}\"")
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &str, new: &str) -> Vec<String> {
        let side = |text: &'static str| (!text.is_empty()).then_some(text.as_bytes());
        let (old, new) = (String::from(old).leak(), String::from(new).leak());
        let diff = compare(side(old), side(new));
        let keys = diff.keys.iter().map(|k| format!("{} {}", k.key, k.change.word()));
        keys.chain(diff.notes.iter().map(|n| (*n).to_owned())).collect()
    }

    fn sops(value: &str, recipient: &str, mac: &str) -> String {
        format!(
            "stringData:\n  a.b: ENC[AES256_GCM,data:{value}]\n  c: x\nsops:\n  age:\n    - recipient: {recipient}\n      enc: |\n        zz\n  mac: {mac}\n"
        )
    }

    #[test]
    fn tells_keys_of_ciphertext_and_leaves_the_mac_out() {
        let old = sops("1", "age1a", "m");
        assert_eq!(
            told(&old, &sops("2", "age1a", "n")),
            ["stringData.\"a.b\" changed"]
        );
        assert_eq!(told(&old, &sops("1", "age1a", "n")), Vec::<String>::new());
        assert_eq!(told(&old, &sops("1", "age1b", "n")), ["recipients changed"]);
        let dropped = old.replace("  c: x\n", "  d: [1]\n");
        assert_eq!(
            told(&old, &dropped),
            ["stringData.c removed", "stringData.d[0] added"]
        );
        assert_eq!(
            told(&old, &format!("# hi\n{old}")),
            ["comments or layout changed"]
        );
        let rotated = old.replace("zz", "yy");
        assert_eq!(told(&old, &rotated), ["data key or encryption settings changed"]);
        // With another data key, every ciphertext is another one, whatever the value.
        let anew = sops("2", "age1b", "n")
            .replace("zz", "yy")
            .replace("c: x", "c: z");
        assert_eq!(
            told(&old, &anew),
            [
                "stringData.\"a.b\" sealed anew",
                "stringData.c changed",
                "recipients changed"
            ]
        );
    }

    #[test]
    fn a_plain_old_side_gives_no_value_away() {
        let plain = "stringData:\n  a.b: canary-secret\n  c: x\n";
        assert_eq!(
            told(plain, &sops("1", "age1a", "m")),
            ["stringData.\"a.b\" changed", "now encrypted"]
        );
        assert_eq!(
            told(plain, ""),
            ["stringData.\"a.b\" removed", "stringData.c removed"]
        );
        for broken in ["a: [", "just-a-canary", "- canary\n", "{{ x }}: 1"] {
            assert_eq!(told(broken, plain), ["content changed"], "{broken}");
        }
    }

    #[test]
    fn further_documents_are_named() {
        assert_eq!(
            told("a: 1\n---\nb: 1\n", "a: 1\n---\nb: 2\n"),
            ["document 2: b changed"]
        );
    }
}
