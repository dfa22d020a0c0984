//! What `substituteFrom` names exists in the Kustomization's own namespace.

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-substitute-source",
    level: Severity::Error,
    summary: "substituteFrom names a Secret or ConfigMap that is not in the Kustomization's namespace",
    docs: include_str!("missing_substitute_source.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for kustomization in &manifests.kustomizations {
        let sources = kustomization
            .object
            .node
            .path(&["spec", "postBuild", "substituteFrom"]);
        for source in sources.map(Node::items).unwrap_or_default() {
            findings.extend(check(manifests, kustomization, source));
        }
    }
}

fn check(manifests: &Manifests<'_>, from: &FluxKustomization<'_>, source: &Node) -> Option<Finding> {
    let kind = source.get("kind")?.as_str()?;
    let name = source.get("name")?;
    let wanted = name.as_str()?;
    let homes: Vec<_> = manifests
        .placed()
        .iter()
        .filter(|placed| placed.object.kind == kind && placed.object.name == wanted)
        .collect();
    let optional = source.get("optional").and_then(Node::as_str) == Some("true");
    if optional || homes.iter().any(|home| home.namespace == from.namespace) {
        return None;
    }
    let message = format!(
        "`{}` takes values from {kind} `{wanted}`, which does not exist in its namespace `{}`",
        from.object.name, from.namespace
    );
    let component = homes.iter().find(|home| {
        manifests
            .kustomize_documents(home.object.path.parent())
            .unwrap_or_default()
            .iter()
            .any(|node| node.get("kind").and_then(Node::as_str) == Some("Component"))
    });
    let file = includer(manifests, from);
    let help = match (component, file) {
        (Some(component), Some(file)) => {
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let component = relative(folder, component.object.path.parent());
            format!("add `components: [{component}]` to `{file}`")
        }
        _ => format!(
            "render {kind} `{wanted}` in namespace `{}`, or set `optional: true`",
            from.namespace
        ),
    };
    let label = match homes.first() {
        Some(home) if !home.namespace.is_empty() => format!("it exists in `{}`", home.namespace),
        _ => String::new(),
    };
    Some(Finding::new(from.object.path, message, help).at(name.span.clone(), label))
}

/// The kustomization.yaml that lists the file of a Kustomization.
fn includer(manifests: &Manifests<'_>, kustomization: &FluxKustomization<'_>) -> Option<String> {
    let mut folder = kustomization.object.path.parent();
    while !folder.is_empty() {
        let file = manifests.kustomize_file(folder);
        if !manifests.documents(&file).is_empty() {
            return Some(file);
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    None
}

/// Writes a path as seen from a folder: `../../components/sops`.
fn relative(from: &str, to: &str) -> String {
    let (from, to): (Vec<&str>, Vec<&str>) = (from.split('/').collect(), to.split('/').collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    up.chain(to[shared..].iter().copied())
        .collect::<Vec<_>>()
        .join("/")
}
