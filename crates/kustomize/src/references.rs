//! Names of objects in the fields of others: they follow when a name has changed.

use std::collections::{HashMap, HashSet};

use crate::config::TransformerConfig;
use crate::field_spec::{FieldSpec, Make, OffPath};
use crate::finding::{Halt, RefusalKind, halt};
use crate::id::{Gvk, ResId};
use crate::node::{Content, Datum};
use crate::resource::Resource;
use crate::set::ResourceSet;

/// An object that others may name.
struct Candidate {
    id: ResId,
    name: String,
    namespace: String,
    kind: String,
    first_namespace: String,
    former: Vec<ResId>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Candidate {
    fn of(resource: &Resource) -> Self {
        Self {
            id: resource.id(),
            name: resource.name().to_owned(),
            namespace: resource.namespace().to_owned(),
            kind: resource.kind().to_owned(),
            first_namespace: resource.first_id().namespace,
            former: resource.former_ids().collect(),
            prefixes: resource.history.prefixes.clone(),
            suffixes: resource.history.suffixes.clone(),
        }
    }

    fn had_kind(&self, gvk: &Gvk) -> bool {
        self.former.iter().any(|id| id.gvk.is_selected_by(gvk))
    }
}

/// All objects, found by the names that they had.
struct Candidates {
    all: Vec<Candidate>,
    by_former_name: HashMap<String, Vec<usize>>,
}

/// The object whose fields are looked at.
struct Referrer<'r> {
    own: &'r Candidate,
    /// The namespaces of the accounts that a `RoleBinding` is for.
    subjects: HashSet<String>,
    /// What the `roleRef` of a binding means.
    role: Option<Gvk>,
}

/// Changes the names in all objects.
pub(crate) fn follow(set: &mut ResourceSet, config: &TransformerConfig) -> Result<(), Halt> {
    if set
        .list()
        .iter()
        .all(|resource| resource.history.former.is_empty())
    {
        return Ok(());
    }
    let all: Vec<Candidate> = set.list().iter().map(Candidate::of).collect();
    let mut by_former_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, candidate) in all.iter().enumerate() {
        let names: HashSet<&String> = candidate.former.iter().map(|id| &id.name).collect();
        #[expect(clippy::iter_over_hash_type, reason = "each goes to a list of its own")]
        for name in names {
            by_former_name.entry(name.clone()).or_default().push(at);
        }
    }
    let candidates = Candidates { all, by_former_name };
    for (at, resource) in set.list_mut().iter_mut().enumerate() {
        let gvk = resource.first_id().gvk;
        let referrer = Referrer {
            own: &candidates.all[at],
            subjects: subject_namespaces(resource)?,
            role: role(resource.data()),
        };
        for reference in &config.references {
            for field in reference
                .fields
                .iter()
                .filter(|field| gvk.is_selected_by(&field.gvk))
            {
                let naming = Naming {
                    candidates: &candidates,
                    referrer: &referrer,
                    target: &reference.target,
                    field,
                };
                naming.follow_in(resource)?;
            }
        }
    }
    Ok(())
}

fn subject_namespaces(resource: &Resource) -> Result<HashSet<String>, Halt> {
    if resource.kind() != "RoleBinding" {
        return Ok(HashSet::new());
    }
    let subjects = resource
        .data()
        .get("subjects")
        .map(Datum::items)
        .unwrap_or_default();
    let accounts = subjects
        .iter()
        .filter(|subject| subject.get("kind").and_then(Datum::as_text) == Some("ServiceAccount"));
    let mut found = HashSet::new();
    for namespace in accounts.filter_map(|subject| subject.get("namespace")) {
        let text = namespace.scalar().filter(|scalar| scalar.is_text_key());
        let Some(text) = text else {
            let message = format!("the namespace of a subject of the {} is no text", resource.id());
            return Err(halt(RefusalKind::CannotApply, namespace.spot, message));
        };
        found.insert(text.text.clone());
    }
    Ok(found)
}

fn role(data: &Datum) -> Option<Gvk> {
    let text = |key| data.path(&["roleRef", key])?.as_text();
    Some(Gvk {
        group: text("apiGroup")?.to_owned(),
        version: String::new(),
        kind: text("kind")?.to_owned(),
    })
}

/// A field that holds the name of a kind of objects.
struct Naming<'n> {
    candidates: &'n Candidates,
    referrer: &'n Referrer<'n>,
    target: &'n Gvk,
    field: &'n FieldSpec,
}

impl Naming<'_> {
    fn follow_in(&self, resource: &mut Resource) -> Result<(), Halt> {
        // Nothing is copied for objects that have no such field.
        let first = crate::field_spec::split_path(&self.field.path, '/');
        if first.first().is_none_or(|key| resource.data().get(key).is_none()) {
            return Ok(());
        }
        let mut set = |node: &mut Datum| self.set(node);
        let done = self.field.visit(resource.data_mut(), Make::Nothing, &mut set);
        done.map_err(|error| crate::transform::cannot(&error, resource, None))
    }

    fn set(&self, node: &mut Datum) -> Result<(), OffPath> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.content {
            Content::Scalar(_) => self.set_scalar(node),
            Content::Map(_) => self.set_mapping(node),
            Content::List(items) => items.iter_mut().try_for_each(|item| match &item.content {
                Content::Scalar(_) => self.set_scalar(item),
                Content::Map(_) => self.set_mapping(item),
                Content::List(_) => Err(OffPath {
                    message: "a name is a text, or a mapping with a name".to_owned(),
                    spot: item.spot,
                }),
            }),
        }
    }

    fn set_scalar(&self, node: &mut Datum) -> Result<(), OffPath> {
        let old = node.as_text().unwrap_or_default();
        let Some(referral) = self.referral(node, old, None)? else {
            return Ok(());
        };
        if referral.name != old {
            let spot = node.spot;
            node.set_scalar(crate::node::Scalar::untyped(referral.name.clone()), spot);
        }
        Ok(())
    }

    fn set_mapping(&self, node: &mut Datum) -> Result<(), OffPath> {
        let Some(name) = node.get("name") else {
            return Err(OffPath {
                message: "a name is missing here".to_owned(),
                spot: node.spot,
            });
        };
        let (old, spot) = (name.as_text().unwrap_or_default().to_owned(), name.spot);
        let namespace = node.get("namespace");
        let wanted = namespace.map(|namespace| namespace.as_text().unwrap_or_default());
        let place = namespace.and_then(|namespace| namespace.spot).or(spot);
        let Some(referral) = self.referral(node, &old, wanted)? else {
            return Ok(());
        };
        if referral.name == old && referral.namespace.is_empty() {
            return Ok(());
        }
        node.set("name", Datum::plain(referral.name.clone(), spot));
        if !referral.namespace.is_empty() {
            node.set("namespace", Datum::plain(referral.namespace.clone(), place));
        }
        Ok(())
    }

    /// Whether an object could be named by the referrer at all.
    fn in_reach(&self, candidate: &Candidate) -> bool {
        let own = &self.referrer.own.id;
        own.is_cluster_scoped()
            || candidate.id.is_cluster_scoped()
            || candidate.id.namespace == own.namespace
            || self.referrer.subjects.contains(&candidate.namespace)
    }

    fn referral(
        &self,
        node: &Datum,
        old: &str,
        namespace: Option<&str>,
    ) -> Result<Option<&Candidate>, OffPath> {
        let all = &self.candidates.all;
        let numbers = self.candidates.by_former_name.get(old);
        let mut found: Vec<&Candidate> = numbers
            .into_iter()
            .flatten()
            .map(|at| &all[*at])
            .filter(|candidate| self.in_reach(candidate))
            .collect();
        if let (Some(namespace), false) = (namespace, found.is_empty()) {
            let was_there = |candidate: &Candidate| {
                candidate.first_namespace == namespace && namespace != crate::id::NO_NAMESPACE
            };
            if all
                .iter()
                .any(|candidate| self.in_reach(candidate) && was_there(candidate))
            {
                found.retain(|candidate| was_there(candidate));
            } else {
                found.retain(|candidate| {
                    candidate.id.namespace == namespace && !candidate.id.is_cluster_scoped()
                });
            }
        }
        found.retain(|candidate| candidate.had_kind(self.target));
        if self.field.path.ends_with(&["roleRef", "name"].join("/"))
            && let Some(role) = &self.referrer.role
        {
            found.retain(|candidate| candidate.had_kind(role));
        }
        let own = self.referrer.own;
        found.retain(|candidate| {
            own.id.is_cluster_scoped()
                || candidate.id.is_cluster_scoped()
                || candidate.kind == "ServiceAccount"
                || candidate.id.namespace == own.id.namespace
        });
        if found.len() == 1 {
            return Ok(found.pop());
        }
        found.retain(|candidate| same_affixes(candidate, own, true));
        if found.len() > 1 {
            found.retain(|candidate| same_affixes(candidate, own, false));
        }
        let Some(first) = found.first().copied() else {
            return Ok(None);
        };
        let alike = |other: &&Candidate| {
            other.name == first.name
                && (!matches!(node.content, Content::Map(_)) || other.namespace == first.namespace)
        };
        if found.iter().all(alike) {
            return Ok(Some(first));
        }
        Err(OffPath {
            message: format!(
                "`{old}` could be the name of the {} and of the {}",
                first.id, found[1].id
            ),
            spot: node.spot,
        })
    }
}

fn same_affixes(candidate: &Candidate, own: &Candidate, may_be_empty: bool) -> bool {
    let same =
        |a: &[String], b: &[String]| (may_be_empty && (a.is_empty() || b.is_empty())) || same_end(a, b);
    same(&candidate.prefixes, &own.prefixes) && same(&candidate.suffixes, &own.suffixes)
}

/// Whether the shorter of two lists is the end of the longer one; an empty list is that of an empty one alone.
fn same_end(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() > b.len() { (b, a) } else { (a, b) };
    if short.is_empty() {
        long.is_empty()
    } else {
        long.ends_with(short)
    }
}
