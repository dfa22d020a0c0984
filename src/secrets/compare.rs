//! Two versions of a SOPS file, told by keys.

use std::collections::BTreeSet;

use sops::{Format, Identities, KeyPath, MacCheck, SopsError, Step};
use yaml::{Kind, Node};
use zeroize::Zeroizing;

use crate::diag::counted;
use crate::diff::redact::{KeyDiff, compare_as};
use crate::world::lock::Sha256;
use crate::world::secrecy::is_ciphertext;

/// Returns what differs: by value when both can be opened, so that a rotation shows no change; else by ciphertext.
pub fn keys(format: Format, old: Option<&[u8]>, new: Option<&[u8]>, identities: &Identities) -> KeyDiff {
    let compare =
        |old: Option<&[u8]>, new: Option<&[u8]>| compare_as(old, new, &|text| format.documents(text).ok());
    let sealed = compare(old, new);
    let opened = |bytes: Option<&[u8]>| bytes.map(|bytes| clear(format, bytes, identities)).transpose();
    match (opened(old), opened(new)) {
        // Bytes have no keys but the one that the ciphertext shows.
        (Ok(one), Ok(other)) if format == Format::Binary && one == other => KeyDiff {
            keys: Vec::new(),
            ..sealed
        },
        (Ok(one), Ok(other)) if format != Format::Binary => {
            let mut diff = compare(
                one.as_ref().map(|bytes| bytes.as_slice()),
                other.as_ref().map(|bytes| bytes.as_slice()),
            );
            diff.notes.extend(sealed.notes);
            diff.notes.dedup();
            diff
        }
        _ => sealed,
    }
}

/// Decrypts a file; one that is no SOPS file is clear already.
///
/// # Errors
/// When it cannot be opened.
pub fn clear(format: Format, bytes: &[u8], identities: &Identities) -> Result<Zeroizing<Vec<u8>>, SopsError> {
    let text = std::str::from_utf8(bytes);
    if !text.is_ok_and(|text| !matches!(format.status(text), Err(SopsError::NotEncrypted))) {
        return Ok(Zeroizing::new(bytes.to_vec()));
    }
    format.decrypt(text.unwrap_or_default(), identities, MacCheck::Verify)
}

/// Returns the difference of two texts in clear, as `diff -u` writes it.
pub fn unified(old: (&str, &str), new: (&str, &str)) -> String {
    let diff = similar::TextDiff::from_lines(old.1, new.1);
    diff.unified_diff()
        .context_radius(3)
        .header(old.0, new.0)
        .to_string()
}

/// Returns a line for each key of a file: stable, readable in a diff, and without a value that is or should be secret.
///
/// Ciphertext is told by a few digits of its own hash, so that a change shows. Values outside of the encrypted scope
/// are shown; all of a file that is not encrypted are hidden.
pub fn outline(format: Format, text: &str) -> String {
    let (Ok(documents), false) = (format.documents(text), text.trim().is_empty()) else {
        return format!("(not {format}, {})\n", counted(text.lines().count(), "line"));
    };
    let status = format.status(text);
    let unsealed: BTreeSet<usize> = match &status {
        Ok(status) => status.unsealed.iter().map(|(_, span)| span.start).collect(),
        Err(_) => BTreeSet::new(),
    };
    let mut out = Outline {
        hide_all: status.is_err(),
        unsealed,
        text: String::new(),
    };
    for (i, document) in documents.iter().enumerate() {
        if i > 0 {
            out.text.push_str("---\n");
        }
        let (sops, own): (Vec<_>, Vec<_>) = document
            .entries()
            .iter()
            .partition(|(key, _)| key.as_str() == Some("sops"));
        // INI has a section without a name, and mostly nothing in it.
        let own = own.into_iter().filter(|(key, value)| {
            format != Format::Ini || !key.span.is_empty() || !value.entries().is_empty()
        });
        for (key, value) in own {
            out.node(
                value,
                &KeyPath::new(vec![Step::Key(key.as_str().unwrap_or_default().to_owned())]),
            );
        }
        if document.entries().is_empty() {
            out.text.push_str("(no mapping)\n");
        }
        for (_, block) in sops.into_iter().filter(|_| i == 0) {
            out.settings(block);
        }
    }
    out.text
}

struct Outline {
    hide_all: bool,
    unsealed: BTreeSet<usize>,
    text: String,
}

impl Outline {
    fn node(&mut self, node: &Node, path: &KeyPath) {
        let below = |step: Step| {
            let mut steps = path.steps().to_vec();
            steps.push(step);
            KeyPath::new(steps)
        };
        match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    self.node(
                        value,
                        &below(Step::Key(key.as_str().unwrap_or_default().to_owned())),
                    );
                }
            }
            Kind::Seq(items) if !items.is_empty() => {
                for (i, item) in items.iter().enumerate() {
                    self.node(item, &below(Step::Index(i)));
                }
            }
            Kind::Map(_) => self.line(path, "{}"),
            Kind::Seq(_) => self.line(path, "[]"),
            Kind::Alias(_) => self.line(path, "<alias>"),
            Kind::Scalar { value, .. } if is_ciphertext(value) => {
                let hash = Sha256::of(value.as_bytes()).to_string();
                let kind = value
                    .rsplit_once(",type:")
                    .map_or("?", |(_, kind)| kind.trim_end_matches(']'));
                let digits: String = hash.chars().filter(char::is_ascii_hexdigit).take(8).collect();
                self.line(path, &format!("<encrypted {kind} {digits}>"));
            }
            Kind::Scalar { value, .. } if value.is_empty() => self.line(path, "\"\""),
            Kind::Scalar { .. } if self.hide_all || self.unsealed.contains(&node.span.start) => {
                self.line(path, "<not encrypted>");
            }
            Kind::Scalar { value, .. } => self.line(path, &yaml::double_quoted(value)),
        }
    }

    /// The parts of the `sops` block that people decide.
    fn settings(&mut self, block: &Node) {
        let mut recipients: Vec<&str> = Vec::new();
        let groups = block.get("key_groups").map(Node::items).unwrap_or_default();
        for holder in std::iter::once(block).chain(groups) {
            let keys = holder.get("age").map(Node::items).unwrap_or_default();
            recipients.extend(keys.iter().filter_map(|entry| entry.str_at(&["recipient"])));
        }
        for name in recipients {
            self.text.push_str(&format!("sops.recipient: {name}\n"));
        }
        for (key, value) in block.entries() {
            let key = key.as_str().unwrap_or_default();
            if key.contains("regex") || key.contains("suffix") || key == "mac_only_encrypted" {
                let value = value.as_str().unwrap_or_default();
                self.text.push_str(&format!("sops.{key}: {value}\n"));
            }
        }
    }

    fn line(&mut self, path: &KeyPath, value: &str) {
        self.text.push_str(&format!("{path}: {value}\n"));
    }
}
