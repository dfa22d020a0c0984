//! The order of the objects in the result.

use crate::id::Gvk;
use crate::resource::Resource;

/// The kinds that come first, in their order.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// The kinds that come last, in their order.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Which objects come first and last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were read.
    AsRead,
    /// By kind and name.
    ByKind { first: Vec<String>, last: Vec<String> },
}

impl Default for Order {
    fn default() -> Self {
        let owned = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
        Self::ByKind {
            first: owned(&FIRST),
            last: owned(&LAST),
        }
    }
}

/// The rank of a kind in the built-in order: below 0 comes first, above 0 last.
pub(crate) fn rank(kind: &str) -> isize {
    rank_in(kind, &FIRST, &LAST)
}

fn rank_in<S: AsRef<str>>(kind: &str, first: &[S], last: &[S]) -> isize {
    let at = |kinds: &[S]| kinds.iter().rposition(|other| other.as_ref() == kind);
    if let Some(at) = at(last) {
        return 1 + isize::try_from(at).unwrap_or(isize::MAX - 1);
    }
    at(first).map_or(0, |at| {
        isize::try_from(at).unwrap_or(0) - isize::try_from(first.len()).unwrap_or(0)
    })
}

/// Brings objects into an order.
pub(crate) fn sort(list: &mut [Resource], order: &Order) {
    let Order::ByKind { first, last } = order else {
        return;
    };
    let part = |text: &str, none: &str| {
        if text.is_empty() {
            none.to_owned()
        } else {
            text.to_owned()
        }
    };
    // Namespaces of the core group come before others of that kind.
    let kind_text = |gvk: &Gvk| {
        let no_group = if gvk.kind == "Namespace" { " " } else { "~G" };
        [
            part(&gvk.group, no_group),
            part(&gvk.version, "~V"),
            part(&gvk.kind, "~K"),
        ]
        .join("_")
    };
    let own_text =
        |resource: &Resource| [part(resource.namespace(), "~X"), part(resource.name(), "~N")].join("|");
    list.sort_by_cached_key(|resource| {
        let gvk = resource.gvk();
        (
            rank_in(&gvk.kind, first, last),
            kind_text(&gvk),
            own_text(resource),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_a_rank() {
        assert_eq!(rank("Namespace"), -22);
        assert_eq!(rank("PodDisruptionBudget"), -1);
        assert_eq!(rank("Ingress"), 0);
        assert_eq!(rank("ValidatingWebhookConfiguration"), 2);
    }
}
