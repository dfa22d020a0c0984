//! A health check looks at an object that the Kustomization applies.

use yaml::Node;

use crate::check::manifests::{Manifests, Object};
use crate::check::placed::Placed;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::plan::closest;

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
            let Some((span, message, help)) = find(check, &applied) else {
                continue;
            };
            let message = format!("`{}` {message}", kustomization.object.name);
            let mut finding = Finding::new(kustomization.object.path, message, help);
            finding = finding.at(span.span.clone(), "");
            if let Some((object, place, near)) = misspelt(check, &applied) {
                finding.help = format!("write `{near}` in `{}`", object.path);
                let label = format!("did you mean `{near}`?");
                finding
                    .also
                    .push((object.path.clone(), place.span.clone(), label));
            }
            findings.push(finding);
        }
    }
}

/// Returns an object of the wanted name whose kind or API group is much like the wanted one, the place of that, and what
/// belongs there.
fn misspelt<'a, 'n>(
    check: &'n Node,
    applied: &[&'n Placed<'a>],
) -> Option<(&'n Object<'a>, &'a Node, &'n str)> {
    let (api, kind) = (check.str_at(&["apiVersion"])?, check.str_at(&["kind"])?);
    let name = check.str_at(&["name"])?;
    let is_like = |written: &str, wanted: &str| {
        written != wanted
            && closest(
                &written.to_lowercase(),
                [wanted.to_lowercase().as_str()].into_iter(),
            )
            .is_some()
    };
    let objects = applied.iter().map(|placed| &placed.object);
    let mut objects = objects.filter(|object| object.name == name);
    objects.find_map(|object| {
        if object.api_version == api && is_like(object.kind, kind) {
            Some((object, object.node.get("kind")?, kind))
        } else if object.kind == kind && is_like(object.api_version, api) && object.group() != group(api) {
            Some((object, object.node.get("apiVersion")?, api))
        } else {
            None
        }
    })
}

fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// Returns what is wrong with a check: the place, the message without its subject, the edit.
fn find<'n>(check: &'n Node, applied: &[&Placed<'_>]) -> Option<(&'n Node, String, String)> {
    let (api, kind, name) = (
        check.get("apiVersion")?,
        check.get("kind")?.as_str()?,
        check.get("name")?,
    );
    let (version, wanted) = (api.as_str()?, name.as_str()?);
    let group = group(version);
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
