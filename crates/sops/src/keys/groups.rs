//! Key groups: a file that opens only when keys of several groups come together.

use std::collections::BTreeSet;

use crate::entropy::Entropy;
use crate::error::SopsError;
use crate::keys::identities::Identities;
use crate::keys::key::{self, Recipient};
use crate::keys::shamir::{self, Share};
use crate::rules::rule::EncryptionRule;
use crate::text::metadata::{Metadata, Wrapped};
use crate::text::value::DataKey;

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

fn unwrap(wrapped: &[Wrapped], identities: &Identities) -> Result<Share, SopsError> {
    let pairs = wrapped
        .iter()
        .map(|wrapped| (wrapped.recipient.as_str(), wrapped.enc.as_str()));
    identities.unwrap(pairs)
}

/// Finds the data key of a file.
pub(crate) fn open(metadata: &Metadata, identities: &Identities) -> Result<DataKey, SopsError> {
    let Some(groups) = &metadata.groups else {
        return DataKey::from_slice(&unwrap(&metadata.age, identities)?).ok_or(SopsError::DataKey);
    };
    let mut shares: Vec<Share> = Vec::new();
    let mut refused = None;
    for group in &groups.all {
        match unwrap(group, identities) {
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

/// Wraps a data key for everybody in a rule; with groups, a new share for each.
pub(crate) fn wrap(
    metadata: &mut Metadata,
    rule: &EncryptionRule,
    key: &DataKey,
    entropy: &mut dyn Entropy,
) -> Result<(), SopsError> {
    let shares = match &rule.groups {
        None => Vec::new(),
        Some(groups) => shamir::split(key.bytes(), groups.all.len(), groups.threshold, entropy).ok_or(
            SopsError::Threshold {
                threshold: groups.threshold,
                groups: groups.all.len(),
            },
        )?,
    };
    fill(metadata, rule, key, &shares, None)
}

/// Wraps a data key for those in a rule who are not in the file yet, whose keys `metadata` holds. A group with newcomers
/// whose share no identity opens asks for new shares for all.
pub(crate) fn wrap_more(
    metadata: &mut Metadata,
    rule: &EncryptionRule,
    key: &DataKey,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<(), SopsError> {
    let old = metadata.clone();
    let (Some(groups), Some(wanted)) = (&old.groups, &rule.groups) else {
        return fill(metadata, rule, key, &[], Some(&old));
    };
    let mut shares = Vec::new();
    for (have, want) in groups.all.iter().zip(&wanted.all) {
        let known = |one: &Recipient| have.iter().any(|wrapped| wrapped.recipient == one.as_str());
        shares.push(if want.iter().all(known) {
            Share::default()
        } else {
            match unwrap(have, identities) {
                Ok(share) => share,
                Err(_) => return wrap(metadata, rule, key, entropy),
            }
        });
    }
    fill(metadata, rule, key, &shares, Some(&old))
}

/// Lists everybody in a rule, each with the data key or the share of the group; what `kept` has wrapped stays.
fn fill(
    metadata: &mut Metadata,
    rule: &EncryptionRule,
    key: &DataKey,
    shares: &[Share],
    kept: Option<&Metadata>,
) -> Result<(), SopsError> {
    let list = |people: &[Recipient], old: Option<&Vec<Wrapped>>, secret: &[u8]| {
        let mut seen = BTreeSet::new();
        let people = people.iter().filter(|one| seen.insert(one.as_str()));
        let one = |recipient: &Recipient| {
            let known = old.and_then(|old| old.iter().find(|one| one.recipient == recipient.as_str()));
            Ok(match known {
                Some(wrapped) => wrapped.clone(),
                None => Wrapped {
                    recipient: recipient.as_str().to_owned(),
                    enc: key::wrap(secret, recipient)?,
                },
            })
        };
        people.map(one).collect::<Result<Vec<_>, SopsError>>()
    };
    let Some(groups) = &rule.groups else {
        metadata.groups = None;
        metadata.age = list(&rule.recipients, kept.map(|old| &old.age), key.bytes())?;
        return Ok(());
    };
    let old = |at: usize| kept?.groups.as_ref()?.all.get(at);
    let all = groups.all.iter().zip(shares).enumerate();
    let all = all.map(|(at, (people, share))| list(people, old(at), share));
    metadata.age = Vec::new();
    metadata.groups = Some(Groups {
        all: all.collect::<Result<_, _>>()?,
        threshold: groups.threshold,
    });
    Ok(())
}
