//! A health check looks at an object that the Kustomization applies.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::placed::Placed;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "dangling-health-check",
    level: Severity::Error,
    summary: "a Flux Kustomization waits for an object that it does not apply",
    docs: include_str!("dangling_health_check.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for (index, kustomization) in manifests.kustomizations.iter().enumerate() {
        let applied: Vec<&Placed<'_>> = manifests
            .placed()
            .iter()
            .filter(|placed| placed.by == Some(index))
            .collect();
        if applied.is_empty() {
            continue;
        }
        let spec = kustomization.object.node.get("spec");
        let checks = spec.and_then(|spec| spec.get("healthChecks"));
        for check in checks.map(Node::items).unwrap_or_default() {
            if let Some((span, message, help)) = find(check, &applied) {
                let message = format!("`{}` {message}", kustomization.object.name);
                findings
                    .push(Finding::new(kustomization.object.path, message, help).at(span.span.clone(), ""));
            }
        }
    }
}

/// Returns what is wrong with a check: the place, the message without its subject, the edit.
fn find<'n>(check: &'n Node, applied: &[&Placed<'_>]) -> Option<(&'n Node, String, String)> {
    let (api, kind, name) = (
        check.get("apiVersion")?,
        check.get("kind")?.as_str()?,
        check.get("name")?,
    );
    let (version, wanted) = (api.as_str()?, name.as_str()?);
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    let same: Vec<&&Placed<'_>> = applied
        .iter()
        .filter(|placed| placed.object.kind == kind && placed.object.group() == group)
        .collect();
    let by_chart = applied.iter().any(|placed| placed.object.kind == "HelmRelease");
    let Some(target) = same.iter().find(|placed| placed.object.name == wanted) else {
        if same.is_empty() && by_chart && kind != "HelmRelease" {
            return None;
        }
        let names: Vec<String> = same.iter().map(|p| format!("`{}`", p.object.name)).collect();
        let help = if names.is_empty() {
            "remove the check, or move it to the Kustomization that applies the object".to_owned()
        } else {
            format!("write the name of a {kind} that it applies: {}", names.join(", "))
        };
        return Some((
            name,
            format!("waits for {kind} `{wanted}`, which it does not apply"),
            help,
        ));
    };
    if target.object.api_version != version {
        let is = target.object.api_version;
        let message = format!("waits for {kind} `{wanted}` as `{version}`, but applies it as `{is}`");
        return Some((api, message, format!("write `apiVersion: {is}`")));
    }
    let namespace = check.get("namespace")?;
    let said = namespace.as_str()?;
    let homes: Vec<&str> = same
        .iter()
        .filter(|placed| placed.object.name == wanted)
        .map(|placed| placed.namespace)
        .filter(|home| !home.is_empty())
        .collect();
    if homes.is_empty() || homes.contains(&said) {
        return None;
    }
    let home = homes[0];
    let message = format!("waits for {kind} `{wanted}` in namespace `{said}`, but applies it to `{home}`");
    Some((namespace, message, format!("write `namespace: {home}`")))
}
