//! Which items of two lists are the same: by name, by kind and name, or by another key that tells them apart.

use std::collections::BTreeSet;

use serde_json::Value;

/// Keys by which items of a list are told apart, in order of preference. Kubernetes lists that have an identity have
/// it in one of these.
const KEYS: [&str; 12] = [
    "name",
    "alert",
    "record",
    "key",
    "id",
    "hostname",
    "mountPath",
    "containerPort",
    "port",
    "path",
    "secretKey",
    "url",
];

/// How the items of a list are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// Kubernetes objects: kind, namespace and name.
    Object,
    /// The value of a key.
    Key(&'static str),
}

impl Identity {
    /// Returns what tells the items of all these lists apart; `None` when nothing does.
    pub(super) fn of(lists: &[&[Value]]) -> Option<Self> {
        if lists.iter().all(|list| list.is_empty()) {
            return None;
        }
        let candidates = std::iter::once(Self::Object).chain(KEYS.map(Self::Key));
        candidates.into_iter().find(|identity| {
            lists.iter().all(|list| {
                let mut seen = BTreeSet::new();
                list.iter()
                    .all(|item| identity.id(item).is_some_and(|id| seen.insert(id)))
            })
        })
    }

    /// Returns the identity of an item.
    pub(super) fn id(self, item: &Value) -> Option<String> {
        let scalar = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match self {
            Self::Object => {
                let kind = scalar(item.get("kind")?)?;
                let metadata = item
                    .get("metadata")
                    .filter(|data| data.is_object())
                    .unwrap_or(item);
                let name = scalar(metadata.get("name")?)?;
                let namespace = metadata.get("namespace").and_then(scalar).unwrap_or_default();
                Some(format!("{kind}/{namespace}/{name}"))
            }
            Self::Key(key) => scalar(item.get(key)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn identity(lists: &[Value]) -> Option<Identity> {
        let lists: Vec<&[Value]> = lists
            .iter()
            .filter_map(|list| list.as_array().map(Vec::as_slice))
            .collect();
        Identity::of(&lists)
    }

    #[test]
    fn the_first_key_that_tells_all_items_apart() {
        let env = json!([{"name": "A", "value": 1}, {"name": "B"}]);
        assert_eq!(identity(&[env.clone(), json!([])]), Some(Identity::Key("name")));
        let objects = json!([{"kind": "HelmRelease", "name": "x"}, {"kind": "Kustomization", "name": "x"}]);
        assert_eq!(identity(&[objects]), Some(Identity::Object));
        let rules = json!([{"alert": "A"}, {"alert": "B"}]);
        assert_eq!(identity(&[rules]), Some(Identity::Key("alert")));
        let twice = json!([{"name": "A", "port": 1}, {"name": "A", "port": 2}]);
        assert_eq!(identity(&[twice]), Some(Identity::Key("port")));
        assert_eq!(identity(&[env, json!(["text"])]), None);
        assert_eq!(identity(&[json!([])]), None);
    }
}
