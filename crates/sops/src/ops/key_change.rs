//! How the keys of a file differ from those that a rule asks for.

use std::collections::BTreeSet;

use crate::entropy::Entropy;
use crate::error::SopsError;
use crate::file::File;
use crate::keys::groups::{self, Groups, KeyGroups};
use crate::keys::identities::Identities;
use crate::keys::key::Recipient;
use crate::rules::rule::EncryptionRule;
use crate::text::metadata::{Metadata, Wrapped};
use crate::text::value::DataKey;

/// What has to change so that the keys of a file are those of a rule. Order and repetition mean nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Recipients that are to open the file, or the share of a group, and cannot.
    pub added: Vec<String>,
    /// Recipients that can and should not.
    pub removed: Vec<String>,
    /// Whether there are other key groups, or another number of them must come together.
    pub regrouped: bool,
}

impl Metadata {
    /// Returns whether a file is for those whom a rule names, and for them alone.
    pub(crate) fn is_for(&self, rule: &EncryptionRule) -> bool {
        KeyChange::between(self, rule).is_empty() && self.foreign_keys().is_none()
    }
}

impl File<'_> {
    /// Returns how the recipients and key groups of the file differ from those of a rule. Needs no key.
    pub fn key_change(&self, rule: &EncryptionRule) -> KeyChange {
        KeyChange::between(&self.metadata, rule)
    }
}

impl KeyChange {
    /// Compares a file with a rule.
    pub(crate) fn between(old: &Metadata, rule: &EncryptionRule) -> Self {
        let have: BTreeSet<&str> = old.wrapped().map(|wrapped| wrapped.recipient.as_str()).collect();
        let want: BTreeSet<&str> = rule.recipients.iter().map(Recipient::as_str).collect();
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let mut change = Self {
            added: names(want.difference(&have).copied().collect()),
            removed: names(have.difference(&want).copied().collect()),
            regrouped: old.groups.is_some() != rule.groups.is_some(),
        };
        if let (Some(ours), Some(theirs)) = (&old.groups, &rule.groups) {
            change.regrouped = !grows(ours, theirs);
            if !change.regrouped {
                change.added = (0..ours.all.len())
                    .flat_map(|at| newcomers(&ours.all[at], theirs, at))
                    .collect();
            }
        }
        change
    }

    /// Returns whether the keys are those of the rule.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && !self.rotates()
    }

    /// Returns whether somebody who could open the file should not any more: then the data key has to be new.
    pub fn rotates(&self) -> bool {
        self.regrouped || !self.removed.is_empty()
    }

    /// Brings the keys of a file, which `metadata` holds, to those of the rule; what is still good stays.
    pub(crate) fn wrap(
        &self,
        metadata: &mut Metadata,
        rule: &EncryptionRule,
        key: &DataKey,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<(), SopsError> {
        if self.is_empty() {
            Ok(())
        } else if self.rotates() {
            groups::wrap(metadata, rule, key, entropy)
        } else {
            groups::wrap_more(metadata, rule, key, identities, entropy)
        }
    }
}

/// Returns whether every group of a rule has the keys of the file's, and perhaps more.
fn grows(ours: &Groups, theirs: &KeyGroups) -> bool {
    let within = |(have, want): (&Vec<Wrapped>, &Vec<Recipient>)| {
        have.iter()
            .all(|wrapped| want.iter().any(|one| one.as_str() == wrapped.recipient))
    };
    ours.threshold == theirs.threshold
        && ours.all.len() == theirs.all.len()
        && ours.all.iter().zip(&theirs.all).all(within)
}

fn newcomers(have: &[Wrapped], theirs: &KeyGroups, at: usize) -> Vec<String> {
    let known = |name: &str| have.iter().any(|wrapped| wrapped.recipient == name);
    let want = theirs.all[at].iter().map(|one| one.as_str().to_owned());
    want.filter(|name| !known(name)).collect()
}
