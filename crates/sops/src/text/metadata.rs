//! The `sops` block of a file.

use std::ops::Range;

use yaml::{Kind, Node};

use crate::error::SopsError;
use crate::keys::groups::{Groups, KeyGroups};
use crate::keys::key::Recipient;
use crate::rules::rule::EncryptionRule;
use crate::rules::selector::Selector;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;

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
    /// Several groups that share the data key; then `age` is empty.
    pub(crate) groups: Option<Groups>,
    /// Key types other than age that have keys in the file.
    pub(crate) other_keys: Vec<&'static str>,
    pub(crate) selector: Selector,
    pub(crate) lastmodified: String,
    pub(crate) mac: Option<String>,
    pub(crate) mac_only_encrypted: bool,
    pub(crate) version: String,
    /// Where the key `sops` stands.
    pub(crate) span: Range<usize>,
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
        let wrapped = |node: &Node| {
            let items = node.get("age").map(Node::items).unwrap_or_default();
            let entry = |entry: &Node| {
                Some(Wrapped {
                    recipient: entry.get("recipient")?.as_str()?.trim().to_owned(),
                    enc: entry.get("enc")?.as_str()?.to_owned(),
                })
            };
            items
                .iter()
                .map(entry)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| broken("an `age` entry lacks `recipient` or `enc`"))
        };
        let mut age = wrapped(block)?;
        let mut groups = None;
        let listed = block.get("key_groups").map(Node::items).unwrap_or_default();
        if age.is_empty() && other_keys.is_empty() && !listed.is_empty() {
            let mut all = listed.iter().map(wrapped).collect::<Result<Vec<_>, _>>()?;
            let has = |kind: &str| {
                let in_group = |group: &Node| group.get(kind).is_some_and(|node| !node.items().is_empty());
                listed.iter().any(in_group)
            };
            other_keys = OTHER_KEYS.into_iter().filter(|kind| has(kind)).collect();
            match all.len() {
                // One group has the data key itself.
                1 => age = all.pop().unwrap_or_default(),
                count => {
                    let threshold = text("shamir_threshold").and_then(|text| text.parse().ok());
                    let threshold = threshold.filter(|threshold| (1..=count).contains(threshold));
                    groups = Some(Groups {
                        all,
                        threshold: threshold.unwrap_or(count),
                    });
                }
            }
        }
        if age.is_empty() && other_keys.is_empty() && groups.is_none() {
            return Err(broken("it names no recipient"));
        }
        let mut selectors = Selector::KEYS
            .into_iter()
            .filter_map(|name| Selector::from_key(name, text(name).filter(|text| !text.is_empty())?));
        let selector = selectors.next().unwrap_or_else(Selector::whole_document);
        if selectors.next().is_some() {
            return Err(broken("it names more than one selector"));
        }
        Ok(Self {
            age,
            groups,
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
        })
    }

    /// Returns the first kind of keys that is not age.
    pub(crate) fn foreign_keys(&self) -> Option<&'static str> {
        self.other_keys.first().copied()
    }

    /// Refuses a file with keys that are not age: they would be lost.
    pub(crate) fn age_alone(&self, doing: &str) -> Result<(), SopsError> {
        match self.foreign_keys() {
            None => Ok(()),
            Some(kind) => Err(SopsError::Unsupported {
                what: format!("{doing} with `{kind}`"),
                span: Some(self.span.clone()),
            }),
        }
    }

    /// Returns the rule that a file was written by, as far as its block tells.
    pub(crate) fn rule(&self) -> Result<EncryptionRule, SopsError> {
        let list = |people: &[Wrapped]| Recipient::list(people.iter().map(|one| one.recipient.as_str()));
        let groups = match &self.groups {
            None => None,
            Some(groups) => Some(KeyGroups {
                all: groups
                    .all
                    .iter()
                    .map(|group| list(group))
                    .collect::<Result<_, _>>()?,
                threshold: groups.threshold,
            }),
        };
        Ok(EncryptionRule {
            recipients: Recipient::list(self.wrapped().map(|one| one.recipient.as_str()))?,
            selector: self.selector.clone(),
            mac_only_encrypted: self.mac_only_encrypted,
            indent: 4,
            groups,
        })
    }

    /// Returns every wrapped key, those of all groups.
    pub(crate) fn wrapped(&self) -> impl Iterator<Item = &Wrapped> {
        let groups = self.groups.iter().flat_map(|groups| groups.all.iter().flatten());
        self.age.iter().chain(groups)
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
}

fn is_null(node: &Node) -> bool {
    matches!(&node.kind, Kind::Scalar { value, style: yaml::Style::Plain } if matches!(value.as_str(), "" | "~" | "null"))
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
        let again = read(&format!("a: b\n{new}")).unwrap();
        assert_eq!(again, old);
        let mut flow = read(&format!("{{a: b, {}}}", old.flow())).unwrap();
        flow.span = old.span.clone();
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
