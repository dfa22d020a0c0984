//! The `sops` block of a file.

use std::fmt::Write as _;
use std::ops::Range;

use super::document::{Documents, SOPS_KEY};
use super::error::SopsError;
use super::selector::Selector;
use super::text;
use crate::yaml::{Kind, Node};

/// What we write as `version`: the release whose layout we follow. SOPS asks for full semver and compares it with
/// its own at `edit` only (getsops/sops `version/version.go`, `cmd/sops/main.go`).
pub(crate) const VERSION: &str = "3.13.2";

/// Key types of SOPS that are not age.
const OTHER_KEYS: [&str; 6] = ["pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"];

/// The data key wrapped for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// As written; may be a kind that we cannot write.
    pub(crate) recipient: String,
    pub(crate) enc: String,
}

/// A `sops` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) age: Vec<Wrapped>,
    /// Key types other than age that have keys in the file.
    pub(crate) other_keys: Vec<&'static str>,
    pub(crate) selector: Selector,
    pub(crate) lastmodified: String,
    pub(crate) mac: Option<String>,
    pub(crate) mac_only_encrypted: bool,
    pub(crate) version: String,
    /// Where the key `sops` stands.
    pub(crate) span: Range<usize>,
    /// Where `lastmodified` and `mac` stand.
    pub(crate) stamps: Option<(Range<usize>, Range<usize>)>,
}

impl Metadata {
    /// Reads the block of the first document, as SOPS does.
    pub(crate) fn read(docs: &Documents<'_>) -> Result<Self, SopsError> {
        let (_, root) = docs.roots().next().ok_or(SopsError::EmptyDocument)?;
        let (key, block) = root.entry(SOPS_KEY).ok_or(SopsError::NotEncrypted)?;
        let broken = |what: &str| SopsError::Metadata {
            what: what.to_owned(),
            span: key.span.clone(),
        };
        if !matches!(block.kind, Kind::Map(_)) {
            return Err(broken("it is not a mapping"));
        }
        let text = |name: &str| {
            block
                .get(name)
                .filter(|node| !is_null(node))
                .and_then(Node::as_str)
        };
        let mut other_keys: Vec<&'static str> = OTHER_KEYS
            .into_iter()
            .filter(|kind| block.get(kind).is_some_and(|node| !node.items().is_empty()))
            .collect();
        let mut list = block.get("age").map(Node::items).unwrap_or_default();
        if let (true, true, Some(groups)) = (list.is_empty(), other_keys.is_empty(), block.get("key_groups"))
        {
            let [group] = groups.items() else {
                return Err(SopsError::Unsupported {
                    what: "a file with several key groups".to_owned(),
                    span: Some(key.span.clone()),
                });
            };
            list = group.get("age").map(Node::items).unwrap_or_default();
            other_keys.push("key_groups");
        }
        let age = list
            .iter()
            .map(|entry| {
                Some(Wrapped {
                    recipient: entry.get("recipient")?.as_str()?.trim().to_owned(),
                    enc: entry.get("enc")?.as_str()?.to_owned(),
                })
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| broken("an `age` entry lacks `recipient` or `enc`"))?;
        if age.is_empty() && other_keys.is_empty() {
            return Err(broken("it names no recipient"));
        }
        let mut selectors = Selector::KEYS
            .into_iter()
            .filter_map(|name| Selector::from_key(name, text(name).filter(|text| !text.is_empty())?));
        let selector = selectors.next().unwrap_or_else(Selector::whole_document);
        if selectors.next().is_some() {
            return Err(broken("it names more than one selector"));
        }
        let stamp = |name: &str| block.get(name).map(|node| node.span.clone());
        Ok(Self {
            age,
            other_keys,
            selector,
            lastmodified: text("lastmodified")
                .ok_or_else(|| broken("`lastmodified` is missing"))?
                .to_owned(),
            mac: text("mac").filter(|mac| !mac.is_empty()).map(str::to_owned),
            mac_only_encrypted: text("mac_only_encrypted")
                .is_some_and(|text| text.eq_ignore_ascii_case("true")),
            version: text("version")
                .ok_or_else(|| broken("`version` is missing"))?
                .to_owned(),
            span: key.span.clone(),
            stamps: stamp("lastmodified").zip(stamp("mac")),
        })
    }

    /// Returns what authenticates the MAC: `lastmodified` as SOPS writes it again after reading.
    pub(crate) fn mac_aad(&self) -> String {
        let text = self.lastmodified.as_str();
        let (time, zone) = match text
            .char_indices()
            .skip(19)
            .find(|(_, c)| matches!(c, 'Z' | '+' | '-'))
        {
            Some((at, _)) => text.split_at(at),
            None => (text, ""),
        };
        let time = time.split('.').next().unwrap_or_default();
        let zone = if matches!(zone, "+00:00" | "-00:00") {
            "Z"
        } else {
            zone
        };
        format!("{time}{zone}")
    }

    /// Writes the block: keys in alphabetical order as SOPS 3.13 has them. `indent` is that of the file, `column`
    /// where the document's keys start.
    pub(crate) fn block(&self, indent: usize, column: usize) -> String {
        let mut out = String::new();
        let mut line = |by: usize, text: &str| {
            let _ = writeln!(out, "{:width$}{text}", "", width = column + by);
        };
        line(0, "sops:");
        line(indent, "age:");
        for Wrapped { recipient, enc } in &self.age {
            line(2 * indent, "- enc: |");
            for text in enc.trim().lines() {
                line(2 * indent + 4, text.trim());
            }
            line(
                2 * indent + 2,
                &format!("recipient: {}", text::string(recipient, false).as_str()),
            );
        }
        let selector = text::string(self.selector.text(), false);
        let mut keys = vec![
            (self.selector.key(), selector.to_string()),
            (
                "lastmodified",
                crate::yaml::double_quoted(&self.lastmodified).to_string(),
            ),
            ("mac", self.mac.clone().unwrap_or_default()),
            ("version", text::string(&self.version, false).to_string()),
        ];
        if self.mac_only_encrypted {
            keys.push(("mac_only_encrypted", "true".to_owned()));
        }
        keys.sort_unstable();
        for (key, value) in keys {
            line(indent, &format!("{key}: {value}"));
        }
        out
    }

    /// Writes the block on one line, for a document in braces.
    pub(crate) fn flow(&self) -> String {
        let quoted = |text: &str| crate::yaml::double_quoted(text).to_string();
        let age: Vec<String> = self
            .age
            .iter()
            .map(|Wrapped { recipient, enc }| {
                format!(
                    "{{\"enc\": {}, \"recipient\": {}}}",
                    quoted(&format!("{}\n", enc.trim())),
                    quoted(recipient)
                )
            })
            .collect();
        let only = if self.mac_only_encrypted {
            ", \"mac_only_encrypted\": true"
        } else {
            ""
        };
        format!(
            "\"sops\": {{\"age\": [{}], \"{}\": {}, \"lastmodified\": {}, \"mac\": {}{only}, \"version\": {}}}",
            age.join(", "),
            self.selector.key(),
            quoted(self.selector.text()),
            quoted(&self.lastmodified),
            quoted(self.mac.as_deref().unwrap_or_default()),
            quoted(&self.version),
        )
    }
}

fn is_null(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar { value, style: crate::yaml::Style::Plain } if matches!(value.as_str(), "" | "~" | "null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a: b\nsops:\n    kms: []\n    gcp_kms: []\n    azure_kv: []\n    hc_vault: []\n    age:\n        - recipient: age1x\n          enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n            AAAA\n            -----END AGE ENCRYPTED FILE-----\n        - recipient: age1y\n          enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n            BBBB\n            -----END AGE ENCRYPTED FILE-----\n    lastmodified: \"2024-01-02T03:04:05Z\"\n    mac: ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\n    pgp: []\n    encrypted_regex: ^(data|stringData)$\n    mac_only_encrypted: true\n    version: 3.8.1\n";

    fn read(text: &str) -> Result<Metadata, SopsError> {
        Metadata::read(&Documents::parse(text).unwrap())
    }

    #[test]
    fn old_and_new_order_read_the_same_and_the_new_one_is_written() {
        let old = read(OLD).unwrap();
        let new = old.block(4, 0);
        let expected = "sops:\n    age:\n        - enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n            AAAA\n            -----END AGE ENCRYPTED FILE-----\n          recipient: age1x\n        - enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n            BBBB\n            -----END AGE ENCRYPTED FILE-----\n          recipient: age1y\n    encrypted_regex: ^(data|stringData)$\n    lastmodified: \"2024-01-02T03:04:05Z\"\n    mac: ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]\n    mac_only_encrypted: true\n    version: 3.8.1\n";
        assert_eq!(new, expected);
        let mut again = read(&format!("a: b\n{new}")).unwrap();
        again.stamps.clone_from(&old.stamps);
        assert_eq!(again, old);
        let mut flow = read(&format!("{{a: b, {}}}", old.flow())).unwrap();
        (flow.stamps, flow.span) = (old.stamps.clone(), old.span.clone());
        assert_eq!(flow, old);
    }

    #[test]
    fn no_selector_is_the_default_suffix_and_two_are_refused() {
        let none = read(&OLD.replace("    encrypted_regex: ^(data|stringData)$\n", "")).unwrap();
        assert_eq!(none.selector, Selector::whole_document());
        let two = OLD.replace("    version", "    encrypted_suffix: x\n    version");
        assert!(matches!(read(&two), Err(SopsError::Metadata { .. })));
    }

    #[test]
    fn broken_blocks_are_errors() {
        for (text, what) in [
            ("a: b\n".to_owned(), SopsError::NotEncrypted),
            (
                "a: b\nsops: 1\n".to_owned(),
                SopsError::Metadata {
                    what: "it is not a mapping".to_owned(),
                    span: 5..9,
                },
            ),
            (
                OLD.replace("    version: 3.8.1\n", ""),
                SopsError::Metadata {
                    what: "`version` is missing".to_owned(),
                    span: 5..9,
                },
            ),
        ] {
            assert_eq!(read(&text).unwrap_err(), what);
        }
    }

    #[test]
    fn the_mac_is_bound_to_the_time_as_sops_writes_it() {
        let mut meta = read(OLD).unwrap();
        for (text, aad) in [
            ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05.123Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05+02:00"),
        ] {
            text.clone_into(&mut meta.lastmodified);
            assert_eq!(meta.mac_aad(), aad);
        }
    }
}
