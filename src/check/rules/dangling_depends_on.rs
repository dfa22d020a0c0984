//! `dependsOn` leads to a Kustomization that exists, and says in which namespace.

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "dangling-depends-on",
    level: Severity::Error,
    summary: "a dependsOn entry names a Kustomization that does not exist in that namespace",
    docs: include_str!("dangling_depends_on.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for kustomization in &manifests.kustomizations {
        let edges = kustomization
            .object
            .node
            .path(&["spec", "dependsOn"])
            .map(Node::items)
            .unwrap_or_default();
        for edge in edges {
            findings.extend(check(kustomization, edge, &manifests.kustomizations));
        }
    }
}

fn check(from: &FluxKustomization<'_>, edge: &Node, all: &[FluxKustomization<'_>]) -> Option<Finding> {
    let name = edge.get("name")?;
    let target = name.as_str()?;
    let explicit = edge.get("namespace").and_then(Node::as_str);
    let namespace = explicit.unwrap_or(from.namespace);
    let homes: Vec<&str> = all
        .iter()
        .filter(|k| k.object.name == target)
        .map(|k| k.namespace)
        .collect();
    if homes.contains(&namespace) {
        return None;
    }
    let message = format!(
        "`{}` depends on `{target}` in namespace `{namespace}`, where it does not exist",
        from.object.name
    );
    let help = match homes.as_slice() {
        [] => format!("remove the entry: no Kustomization `{target}` is rendered with these settings"),
        [only] => format!("set `namespace: {only}`"),
        several => format!("ambiguous; set `namespace:` to one of {}", several.join(", ")),
    };
    let label = if explicit.is_some() {
        ""
    } else {
        "looked up in its own namespace"
    };
    Some(Finding::new(from.object.path, message, help).at(name.span.clone(), label))
}
