//! Which fields the transformers change, and where names stand: what is built in, and what `configurations` add.

use std::sync::{Arc, LazyLock};

use crate::field_spec::FieldSpec;
use crate::id::Gvk;

/// What fields are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    NamePrefix,
    NameSuffix,
    Namespace,
    CommonLabels,
    Labels,
    TemplateLabels,
    CommonAnnotations,
    VarReference,
    Images,
    Replicas,
}

/// Every use, with the key that it has in a file of `configurations`.
pub(crate) const USES: [(&str, Use); 10] = [
    ("namePrefix", Use::NamePrefix),
    ("nameSuffix", Use::NameSuffix),
    ("namespace", Use::Namespace),
    ("commonLabels", Use::CommonLabels),
    ("labels", Use::Labels),
    ("templateLabels", Use::TemplateLabels),
    ("commonAnnotations", Use::CommonAnnotations),
    ("varReference", Use::VarReference),
    ("images", Use::Images),
    ("replicas", Use::Replicas),
];

/// Kinds whose name stands in fields of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameReference {
    /// What is named.
    pub(crate) target: Gvk,
    /// Where its name stands.
    pub(crate) fields: Vec<FieldSpec>,
}

/// What the transformers of a folder go by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TransformerConfig {
    fields: [Vec<FieldSpec>; USES.len()],
    pub(crate) references: Vec<NameReference>,
}

/// Two entries for one field, of which one makes it and the other does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disagreement {
    pub(crate) path: String,
}

static BUILT_IN: LazyLock<Arc<TransformerConfig>> = LazyLock::new(|| {
    let mut config = TransformerConfig::default();
    let part = |word: &str| {
        if word == "-" {
            String::new()
        } else {
            word.to_owned()
        }
    };
    for line in include_str!("tables/fields.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, group, version, kind, path, create] = words.as_slice() else {
            continue;
        };
        let Some((_, purpose)) = USES.iter().find(|(key, _)| key == name) else {
            continue;
        };
        config.fields_mut(*purpose).push(FieldSpec {
            gvk: Gvk {
                group: part(group),
                version: part(version),
                kind: part(kind),
            },
            path: (*path).to_owned(),
            create: *create == "create",
        });
    }
    for line in include_str!("tables/references.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let gvk = |words: &[&str]| Gvk {
            group: part(words[0]),
            version: part(words[1]),
            kind: part(words[2]),
        };
        match words.as_slice() {
            ["to", target @ ..] if target.len() == 3 => config.references.push(NameReference {
                target: gvk(target),
                fields: Vec::new(),
            }),
            ["from", referrer @ .., path] if referrer.len() == 3 => {
                if let Some(last) = config.references.last_mut() {
                    last.fields.push(FieldSpec {
                        gvk: gvk(referrer),
                        path: (*path).to_owned(),
                        create: false,
                    });
                }
            }
            _ => {}
        }
    }
    config.sort();
    Arc::new(config)
});

impl TransformerConfig {
    /// What is built in.
    pub(crate) fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN)
    }

    pub(crate) fn fields(&self, purpose: Use) -> &[FieldSpec] {
        &self.fields[purpose as usize]
    }

    pub(crate) fn fields_mut(&mut self, purpose: Use) -> &mut Vec<FieldSpec> {
        &mut self.fields[purpose as usize]
    }

    /// Adds what another one has to one that is shared.
    pub(crate) fn merge_shared(own: &mut Arc<Self>, other: &Arc<Self>) -> Result<(), Disagreement> {
        if Arc::ptr_eq(own, other) {
            return Ok(());
        }
        if **own == Self::default() {
            own.clone_from(other);
            return Ok(());
        }
        Arc::make_mut(own).merge(other)
    }

    /// Adds what another one has.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Disagreement> {
        for (own, more) in self.fields.iter_mut().zip(&other.fields) {
            merge_fields(own, more)?;
        }
        for reference in &other.references {
            match self
                .references
                .iter_mut()
                .find(|own| own.target == reference.target)
            {
                Some(own) => merge_fields(&mut own.fields, &reference.fields)?,
                None => self.references.push(reference.clone()),
            }
        }
        self.sort();
        Ok(())
    }

    fn sort(&mut self) {
        for fields in &mut self.fields {
            fields.sort_by_cached_key(|field| sort_key(&field.gvk));
        }
        self.references
            .sort_by_cached_key(|reference| sort_key(&reference.target));
    }
}

/// Adds fields that are not there yet.
pub(crate) fn merge_fields(own: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), Disagreement> {
    for field in more {
        let same = |old: &&FieldSpec| old.path == field.path && old.gvk.is_selected_by(&field.gvk);
        match own.iter().find(same) {
            Some(old) if old.create != field.create => {
                return Err(Disagreement {
                    path: field.path.clone(),
                });
            }
            Some(_) => {}
            None => own.push(field.clone()),
        }
    }
    Ok(())
}

fn sort_key(gvk: &Gvk) -> (isize, String) {
    let part = |text: &str, none: &str| {
        if text.is_empty() {
            none.to_owned()
        } else {
            text.to_owned()
        }
    };
    let text = [
        part(&gvk.group, "~G"),
        part(&gvk.version, "~V"),
        part(&gvk.kind, "~K"),
    ]
    .join("_");
    (crate::order::rank(&gvk.kind), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        let config = TransformerConfig::built_in();
        for (key, purpose) in USES {
            let empty = matches!(purpose, Use::Labels | Use::VarReference);
            assert_eq!(config.fields(purpose).is_empty(), empty, "{key}");
        }
        assert_eq!(config.references.len(), 16);
        assert!(
            config
                .references
                .iter()
                .all(|reference| !reference.fields.is_empty())
        );
    }

    #[test]
    fn a_field_is_made_or_not() {
        let field = |create| FieldSpec {
            path: "spec/x".to_owned(),
            create,
            ..FieldSpec::default()
        };
        let mut own = vec![field(true)];
        assert_eq!(merge_fields(&mut own, &[field(true)]), Ok(()));
        assert_eq!(own.len(), 1);
        assert!(merge_fields(&mut own, &[field(false)]).is_err());
    }
}
