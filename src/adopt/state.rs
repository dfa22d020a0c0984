//! What stands where a file is rendered to.

use std::collections::BTreeSet;

use serde_json::Value;
use sops::{Identities, MacCheck, SopsError};
use yaml::Node;

use crate::diff::ChangeKind;
use crate::seal::SealKeys;
use crate::tree::{Artifact, RepoPath};
use crate::world::Existing;
use crate::world::lock::Lock;

/// What stands where a file is rendered to, and what adopting it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not ours yet, and equal to the render: only the lock changes.
    Identical,
    /// Not ours yet; the same YAML with other comments, order, quotes or line breaks.
    SameContent,
    /// Not ours yet; a SOPS file with the same values, sealed otherwise: for other recipients, in another layout.
    SameValues,
    /// Not ours yet; a SOPS file that no key at hand opens, so that its values cannot be compared.
    Locked,
    /// Not ours yet, and different.
    Differs,
    /// Ours, and edited since: a matter of `configure`.
    Edited,
    /// A person's version that stays, as was decided before.
    Kept,
    /// Nothing there: `configure` creates it.
    Missing,
    /// Ours.
    Ours,
}

impl State {
    /// Judges one file. `existing` holds what is on the disk.
    pub(super) fn of(kind: ChangeKind, artifact: &Artifact, existing: &Existing, keys: &SealKeys) -> Self {
        match kind {
            ChangeKind::Adopt => Self::Identical,
            ChangeKind::ForeignDiffers => {
                let bytes = existing.bytes(&artifact.path).unwrap_or_default();
                Self::of_different(artifact, bytes, keys.identities())
            }
            ChangeKind::EditedUpdate | ChangeKind::EditedDelete => Self::Edited,
            ChangeKind::Kept => Self::Kept,
            ChangeKind::Create | ChangeKind::Recreate => Self::Missing,
            _ => Self::Ours,
        }
    }

    fn of_different(artifact: &Artifact, bytes: &[u8], identities: Option<&Identities>) -> Self {
        let Ok(theirs) = std::str::from_utf8(bytes) else {
            return Self::Differs;
        };
        if artifact.is_sops() && sops::status(theirs).is_ok() {
            let Some(identities) = identities else {
                return Self::Locked;
            };
            let open = |text: &str| sops::decrypt(text, identities, MacCheck::Verify);
            return match (open(theirs), open(artifact.text())) {
                (Err(SopsError::NoIdentityMatches { .. }), _) => Self::Locked,
                (Ok(theirs), Ok(ours)) if same_yaml(theirs.expose(), ours.expose()) => Self::SameValues,
                _ => Self::Differs,
            };
        }
        let is_json = artifact.path.file_name().rsplit('.').next() == Some("json");
        if !artifact.is_sops() && (artifact.path.is_yaml() || is_json) && same_yaml(theirs, artifact.text()) {
            Self::SameContent
        } else {
            Self::Differs
        }
    }

    /// Returns whether naming the app takes the file over.
    pub fn is_adoptable(self) -> bool {
        matches!(
            self,
            Self::Identical | Self::SameContent | Self::SameValues | Self::Locked | Self::Differs
        )
    }

    /// Returns the word that stands before a path.
    pub fn word(self) -> &'static str {
        match self {
            Self::SameContent => "same content",
            Self::SameValues => "same values",
            Self::Locked => "locked",
            Self::Edited => "edited",
            Self::Kept => "kept",
            other => other.words(),
        }
    }

    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::SameContent => "same content, other layout",
            Self::SameValues => "same values, other recipients or ciphertext",
            Self::Locked => "sealed for another key, not comparable",
            Self::Differs => "differs",
            Self::Edited => "ours, edited by you",
            Self::Kept => "kept (yours)",
            Self::Missing => "to be created",
            Self::Ours => "ours",
        }
    }
}

/// Returns whether two texts hold the same documents with the same values. The order of keys does not matter, that of
/// list items and documents does.
fn same_yaml(a: &str, b: &str) -> bool {
    let values = |text: &str| -> Option<Vec<Value>> {
        Some(yaml::parse(text).ok()?.iter().map(Node::to_json).collect())
    };
    let (a, b) = (values(a), values(b));
    a.is_some() && a == b
}

/// Returns the SOPS files that we did not write and cannot open: `seal` must not build upon them. None without a
/// private key, for then nothing is opened at all.
pub fn locked(existing: &Existing, lock: &Lock, keys: &SealKeys) -> BTreeSet<RepoPath> {
    let Some(identities) = keys.identities() else {
        return BTreeSet::new();
    };
    let unopened = |path: &RepoPath| {
        let text = existing
            .bytes(path)
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let opened = text.map(|text| sops::decrypt(text, identities, MacCheck::Ignore));
        matches!(opened, Some(Err(SopsError::NoIdentityMatches { .. })))
    };
    existing
        .iter()
        .map(|(path, _)| path)
        .filter(|path| path.is_sops() && !lock.entries.contains_key(*path) && unopened(path))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use sops::{EncryptionRule, Recipient};

    use super::*;
    use crate::sys::FixedEntropy;
    use crate::tree::Origin;

    fn judge(path: &str, ours: &str, theirs: &str) -> State {
        judge_with(path, ours, theirs, None)
    }

    fn judge_with(path: &str, ours: &str, theirs: &str, identities: Option<&Identities>) -> State {
        let artifact = Artifact::new(
            RepoPath::parse(path).expect("valid"),
            ours.to_owned(),
            Origin {
                app: "a/b".to_owned(),
                template: None,
                reason: Vec::new(),
                fingerprint: Some("new".to_owned()),
            },
        );
        State::of_different(&artifact, theirs.as_bytes(), identities)
    }

    #[test]
    fn layout_is_no_content() {
        let ours = "---\na: 1\nb:\n  - \"x\"\n  - y: true\n";
        for theirs in [
            "# mine\nb: [x, {y: true}]\na: 1\n",
            "b:\n- 'x'\n- y: true\n\na: 1",
            "a: 1 # one\nb:\n    - x\n    -   y: true\r\n",
            "{a: 1, b: [x, {\"y\": true}]}",
        ] {
            assert_eq!(judge("x.yaml", ours, theirs), State::SameContent, "{theirs}");
            assert_eq!(judge("x.toml", ours, theirs), State::Differs, "not YAML");
        }
    }

    #[test]
    fn values_types_order_of_lists_and_documents_are_content() {
        let ours = "a: 1\nb: [x, y]\n";
        for theirs in [
            "a: \"1\"\nb: [x, y]\n",
            "a: 1\nb: [y, x]\n",
            "a: 1\nb: [x]\n",
            "a: 1\nb: [x, y]\nc:\n",
            "a: 1\n---\nb: [x, y]\n",
            "a: 1\nb: [x, y\n",
            "",
        ] {
            assert_eq!(judge("x.yaml", ours, theirs), State::Differs, "{theirs}");
        }
        assert_eq!(judge("x.json", "{\"a\": 1}\n", "{\n\"a\":1}"), State::SameContent);
    }

    #[test]
    fn sealed_files_are_judged_by_value_and_only_with_the_key() {
        let mut entropy = FixedEntropy::new(1);
        let people = [(); 2].map(|()| sops::generate_identity());
        let recipients = [0, 1].map(|i| Recipient::new(&people[i].1).expect("valid"));
        let both = Identities::parse(people[0].0.expose()).expect("a key");
        let mut seal = |text: &str, recipients: &[Recipient]| {
            sops::encrypt(text, &EncryptionRule::secrets(recipients.to_vec()), &mut entropy).expect("seals")
        };
        let text = "stringData:\n  a: canary\n  b: x\n";
        let ours = seal(text, &recipients[..1]);
        let mut state = |text: &str, recipients: &[Recipient], key: Option<&Identities>| {
            judge_with("x.sops.yaml", &ours, &seal(text, recipients), key)
        };
        let turned = "# mine\nstringData: {b: \"x\", a: canary}\n";
        let key = Some(&both);
        assert_eq!(state(text, &recipients[..1], key), State::SameValues);
        assert_eq!(
            state("stringData:\n  b: x\n  a: canary\n", &recipients, key),
            State::SameValues
        );
        assert_eq!(
            state(&text.replace("canary", "other"), &recipients, key),
            State::Differs
        );
        assert_eq!(state(text, &recipients[1..], key), State::Locked);
        assert_eq!(state(text, &recipients, None), State::Locked);
        assert_eq!(
            judge_with("x.sops.yaml", &ours, text, key),
            State::Differs,
            "not sealed at all"
        );
        assert_eq!(judge_with("x.sops.yaml", &ours, turned, key), State::Differs);
        let torn = ours.replace("mac: ", "mac: x");
        assert_eq!(judge_with("x.sops.yaml", &ours, &torn, key), State::Differs);
    }
}
