//! What kustomize knows objects by: group, version, kind, name and namespace.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// The namespace of what is in none.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// The namespace of what names none.
const DEFAULT_NAMESPACE: &str = "default";

static CLUSTER_SCOPED: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("tables/cluster_scoped.txt").lines();
    lines.filter(|line| !line.starts_with('#')).collect()
});

/// Group, version and kind. As a selector, what is empty selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether kustomize knows that such an object is in no namespace.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        CLUSTER_SCOPED.contains(format!("{} {}", self.api_version(), self.kind).as_str())
    }

    pub(crate) fn is_selected_by(&self, selector: &Self) -> bool {
        let fits = |own: &str, wanted: &str| wanted.is_empty() || own == wanted;
        fits(&self.group, &selector.group)
            && fits(&self.version, &selector.version)
            && fits(&self.kind, &selector.kind)
    }
}

/// What an object is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ResId {
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    /// The namespace as two ids are compared by: [`NO_NAMESPACE`] and `default` for none.
    pub(crate) namespace: String,
}

impl ResId {
    pub(crate) fn new(gvk: Gvk, name: &str, namespace: &str) -> Self {
        let namespace = if gvk.is_cluster_scoped() {
            NO_NAMESPACE
        } else {
            or_default(namespace)
        };
        Self {
            gvk,
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        self.namespace == NO_NAMESPACE
    }
}

/// A namespace as it is compared: none is `default`.
pub(crate) fn or_default(namespace: &str) -> &str {
    if namespace.is_empty() {
        DEFAULT_NAMESPACE
    } else {
        namespace
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.gvk.kind, self.name)?;
        if !self.is_cluster_scoped() {
            write!(f, " in {}", self.namespace)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_counts_where_it_can_be() {
        let role = |namespace| {
            ResId::new(
                Gvk::new("rbac.authorization.k8s.io/v1", "ClusterRole"),
                "a",
                namespace,
            )
        };
        assert_eq!(role("x"), role(""));
        let map = |namespace| ResId::new(Gvk::new("v1", "ConfigMap"), "a", namespace);
        assert_eq!(map("default"), map(""));
        assert_ne!(map("x"), map(""));
        assert_eq!(map("x").to_string(), "ConfigMap a in x");
    }
}
