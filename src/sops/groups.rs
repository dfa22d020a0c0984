//! Key groups: a file that opens only when keys of several groups come together.

use super::error::SopsError;
use super::key::{self, Identities, Recipient};
use super::metadata::{Metadata, Wrapped};
use super::rule::Rule;
use super::shamir::{self, Share};
use super::value::DataKey;
use crate::sys::Entropy;

/// The groups of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGroups {
    /// Any key of a group opens its share of the data key.
    pub all: Vec<Vec<Recipient>>,
    /// How many groups must come together.
    pub threshold: usize,
}

impl KeyGroups {
    /// Puts groups together; a threshold of 0 means all of them. With one group alone there is nothing to share.
    ///
    /// # Errors
    /// [`SopsError::Threshold`] when the threshold is 1 or more than there are groups, [`SopsError::NoRecipients`] for
    /// a group without keys.
    pub fn new(all: Vec<Vec<Recipient>>, threshold: usize) -> Result<Self, SopsError> {
        let threshold = if threshold == 0 { all.len() } else { threshold };
        if all.iter().any(Vec::is_empty) {
            return Err(SopsError::NoRecipients);
        }
        if threshold < 2 || threshold > all.len() {
            return Err(SopsError::Threshold {
                threshold,
                groups: all.len(),
            });
        }
        Ok(Self { all, threshold })
    }
}

/// The groups of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Groups {
    /// The age keys of each group; a group may have keys of other kinds alone.
    pub(crate) all: Vec<Vec<Wrapped>>,
    pub(crate) threshold: usize,
}

impl Groups {
    /// Returns whether these are the groups of a rule, the order within each aside.
    pub(crate) fn fit(&self, rule: &KeyGroups) -> bool {
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names.dedup();
            names
        };
        let ours = rule
            .all
            .iter()
            .map(|group| group.iter().map(ToString::to_string).collect());
        let theirs = self
            .all
            .iter()
            .map(|group| group.iter().map(|wrapped| wrapped.recipient.clone()).collect());
        self.threshold == rule.threshold && ours.map(sorted).eq(theirs.map(sorted))
    }
}

/// Finds the data key of a file.
pub(crate) fn open(metadata: &Metadata, identities: &Identities) -> Result<DataKey, SopsError> {
    let unwrap = |wrapped: &[Wrapped]| {
        identities.unwrap(
            wrapped
                .iter()
                .map(|wrapped| (wrapped.recipient.as_str(), wrapped.enc.as_str())),
        )
    };
    let Some(groups) = &metadata.groups else {
        return DataKey::from_slice(&unwrap(&metadata.age)?).ok_or(SopsError::DataKey);
    };
    let mut shares: Vec<Share> = Vec::new();
    let mut refused = None;
    for group in &groups.all {
        match unwrap(group) {
            Ok(share) => shares.push(share),
            Err(error) => refused = Some(error),
        }
        if shares.len() == groups.threshold {
            let key = shamir::combine(&shares).and_then(|key| DataKey::from_slice(&key));
            return key.ok_or(SopsError::DataKey);
        }
    }
    match refused {
        Some(error) if shares.is_empty() => Err(error),
        _ => Err(SopsError::TooFewGroups {
            opened: shares.len(),
            threshold: groups.threshold,
        }),
    }
}

/// Wraps a data key for everybody in a rule. `kept` gives what is already wrapped; shares are always new.
pub(crate) fn wrap(
    metadata: &mut Metadata,
    rule: &Rule,
    key: &DataKey,
    kept: &dyn Fn(&str) -> Option<Wrapped>,
    entropy: &mut dyn Entropy,
) -> Result<(), SopsError> {
    let wrapped = |recipient: &Recipient, enc: String| Wrapped {
        recipient: recipient.as_str().to_owned(),
        enc,
    };
    let Some(groups) = &rule.groups else {
        let one = |recipient: &Recipient| match kept(recipient.as_str()) {
            Some(kept) => Ok::<_, SopsError>(kept),
            None => Ok(wrapped(recipient, key::wrap(key, recipient)?)),
        };
        metadata.groups = None;
        metadata.age = rule
            .unique_recipients()
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()?;
        return Ok(());
    };
    let shares = shamir::split(key.bytes(), groups.all.len(), groups.threshold, entropy);
    let shares = shares.ok_or(SopsError::Threshold {
        threshold: groups.threshold,
        groups: groups.all.len(),
    })?;
    let group = |(group, share): (&Vec<Recipient>, &Share)| {
        let mut seen = Vec::new();
        for recipient in group {
            if !seen.contains(&recipient) {
                seen.push(recipient);
            }
        }
        seen.into_iter()
            .map(|recipient| Ok(wrapped(recipient, key::wrap_bytes(share, recipient)?)))
            .collect()
    };
    let all = groups
        .all
        .iter()
        .zip(&shares)
        .map(group)
        .collect::<Result<_, SopsError>>()?;
    metadata.age = Vec::new();
    metadata.groups = Some(Groups {
        all,
        threshold: groups.threshold,
    });
    Ok(())
}
