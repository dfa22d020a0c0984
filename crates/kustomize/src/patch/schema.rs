//! Which lists a strategic merge patch merges, and by which keys.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A type of the Kubernetes API, as far as lists to be merged are in it.
#[derive(Debug, Default)]
pub(crate) struct MergeType {
    fields: HashMap<&'static str, MergeField>,
}

/// A field of a type.
#[derive(Debug)]
struct MergeField {
    /// The keys of a list that is merged, none for a list of texts; nothing for other fields.
    keys: Option<Vec<&'static str>>,
    /// The type of the value, or of the items.
    leads_to: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Schemas {
    types: HashMap<&'static str, MergeType>,
    kinds: HashMap<&'static str, &'static str>,
}

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let mut schemas = Schemas::default();
    let mut current = "";
    for line in include_str!("../tables/merge_keys.txt").lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "type" => {
                current = rest;
                schemas.types.insert(current, MergeType::default());
            }
            "kind" => {
                schemas.kinds.insert(rest, current);
            }
            "map" | "list" => {
                let words: Vec<&str> = rest.split(' ').collect();
                let is_list = word == "list";
                let keys = is_list.then(|| {
                    let keys = words[1].trim_matches(['[', ']']).split(',');
                    keys.filter(|key| !key.is_empty()).collect()
                });
                let leads_to = words.get(if is_list { 2 } else { 1 }).copied();
                if let Some(owner) = schemas.types.get_mut(current) {
                    owner.fields.insert(words[0], MergeField { keys, leads_to });
                }
            }
            _ => {}
        }
    }
    schemas
});

/// What is known of a node by its schema.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ListSchema {
    keys: Option<&'static [&'static str]>,
    inner: Option<&'static MergeType>,
}

impl ListSchema {
    /// The schema of an object, nothing for kinds that are not built into Kubernetes.
    pub(crate) fn of(api_version: &str, kind: &str) -> Option<Self> {
        let name = SCHEMAS.kinds.get(format!("{api_version} {kind}").as_str())?;
        let inner = SCHEMAS.types.get(name);
        Some(Self { keys: None, inner })
    }

    /// The schema of a field.
    pub(crate) fn field(self, key: &str) -> Option<Self> {
        let field = self.inner?.fields.get(key)?;
        let inner = field.leads_to.and_then(|name| SCHEMAS.types.get(name));
        let keys = field.keys.as_deref();
        Some(Self { keys, inner })
    }

    /// The schema of an item of this list.
    pub(crate) fn item(self) -> Self {
        Self {
            keys: None,
            inner: self.inner,
        }
    }

    /// The keys by which this list is merged, nothing if it is replaced.
    pub(crate) fn merge_keys(self) -> Option<&'static [&'static str]> {
        self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_containers_are_merged_by_name() {
        let deployment = ListSchema::of("apps/v1", "Deployment").expect("known");
        let pod = ["spec", "template", "spec"]
            .iter()
            .try_fold(deployment, |schema, key| schema.field(key))
            .expect("known");
        let containers = pod.field("containers").expect("known");
        assert_eq!(containers.merge_keys(), Some(["name"].as_slice()));
        let ports = containers.item().field("ports").expect("known");
        assert_eq!(ports.merge_keys(), Some(["containerPort", "protocol"].as_slice()));
        assert!(pod.field("tolerations").is_none());
        let meta = deployment.field("metadata").expect("known");
        let finalizers = meta.field("finalizers").expect("known");
        assert_eq!(finalizers.merge_keys(), Some([].as_slice()));
        assert!(ListSchema::of("example.com/v1", "Deployment").is_none());
    }
}
