//! Talos and Kubernetes have one version each.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::talos;
use crate::diag::Severity;
use crate::tree::RepoPath;

pub(super) static RULE: Rule = Rule {
    name: "talos-version-drift",
    level: Severity::Error,
    summary: "the machine configuration and the upgrade controller name different versions",
    docs: include_str!("talos_version_drift.md"),
    run,
};

/// The key there, and the kind and path of tuppr's object.
const VERSIONS: &[(&str, &str, &[&str])] = &[
    ("talosVersion", "TalosUpgrade", &["spec", "talos", "version"]),
    (
        "kubernetesVersion",
        "KubernetesUpgrade",
        &["spec", "kubernetes", "version"],
    ),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for (key, kind, path) in VERSIONS {
        let mut places: Vec<(RepoPath, &Node)> = Vec::new();
        for file in talos::VERSIONS {
            let node = manifests.documents(file).first().and_then(|node| node.get(key));
            places.extend(RepoPath::parse(file).ok().zip(node));
        }
        for object in manifests.objects.iter().filter(|o| o.kind == *kind) {
            places.extend(object.node.path(path).map(|node| (object.path.clone(), node)));
        }
        places.retain(|(_, node)| node.as_str().is_some_and(|text| !text.contains("${")));
        let Some(((first, decides), others)) = places.split_first() else {
            continue;
        };
        let wanted = decides.as_str().unwrap_or_default();
        for (path, node) in others {
            let version = node.as_str().unwrap_or_default();
            if version.trim_start_matches('v') == wanted.trim_start_matches('v') {
                continue;
            }
            let what = kind.trim_end_matches("Upgrade");
            let message = format!("two versions of {what}: {wanted} in `{first}`, {version} here");
            // Never back: the upgrade controller would take the nodes there.
            let newer = talos::parse(version) > talos::parse(wanted);
            let help = if newer {
                format!(
                    "write `{version}` in `{first}` as well, where nodes are generated from, and in `cluster.yaml`"
                )
            } else {
                format!("write `{wanted}`")
            };
            let mut finding = Finding::new(path, message, help).at(node.span.clone(), "");
            let also = (first.clone(), decides.span.clone(), "decides".to_owned());
            finding.also.push(also);
            findings.push(finding);
        }
    }
}
