//! No Kustomization waits for itself.

use std::collections::BTreeSet;

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "dependency-cycle",
    level: Severity::Error,
    summary: "Flux Kustomizations wait for each other in a circle",
    docs: include_str!("dependency_cycle.md"),
    run,
};

/// An edge: the index of what is waited for, the `name` that says so.
type Edge<'a> = (usize, &'a Node);

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let edges: Vec<Vec<Edge<'_>>> = (0..manifests.kustomizations.len())
        .map(|from| edges(manifests, from))
        .collect();
    let mut done = vec![false; edges.len()];
    let mut seen = BTreeSet::new();
    for start in 0..edges.len() {
        let mut path = Vec::new();
        follow(start, &edges, &mut path, &mut done, &mut |cycle| {
            let mut members: Vec<usize> = cycle.iter().map(|(from, _)| *from).collect();
            members.sort_unstable();
            if seen.insert(members) {
                findings.push(finding(manifests, cycle));
            }
        });
    }
}

fn edges<'a>(manifests: &Manifests<'a>, from: usize) -> Vec<Edge<'a>> {
    let kustomization = &manifests.kustomizations[from];
    let entries = kustomization.object.node.path(&["spec", "dependsOn"]);
    let entries = entries.map(Node::items).unwrap_or_default();
    entries
        .iter()
        .filter_map(|entry| {
            let name = entry.get("name")?;
            let namespace = entry.get("namespace").and_then(Node::as_str);
            let namespace = namespace.unwrap_or(kustomization.namespace);
            let target = manifests
                .kustomizations
                .iter()
                .position(|k| name.as_str() == Some(k.object.name) && k.namespace == namespace)?;
            Some((target, name))
        })
        .collect()
}

/// Walks depth first; `report` gets each circle as its members with the edge that leaves them.
fn follow<'a>(
    at: usize,
    edges: &[Vec<Edge<'a>>],
    path: &mut Vec<(usize, &'a Node)>,
    done: &mut [bool],
    report: &mut impl FnMut(&[(usize, &'a Node)]),
) {
    if done[at] {
        return;
    }
    for (to, name) in &edges[at] {
        path.push((at, name));
        match path.iter().position(|(member, _)| member == to) {
            Some(start) => report(&path[start..]),
            None => follow(*to, edges, path, done, report),
        }
        path.pop();
    }
    done[at] = true;
}

fn finding(manifests: &Manifests<'_>, cycle: &[(usize, &Node)]) -> Finding {
    let name = |index: usize| {
        let kustomization = &manifests.kustomizations[index];
        format!("{}/{}", kustomization.namespace, kustomization.object.name)
    };
    let round = cycle.iter().chain(&cycle[..1]);
    let round = round.map(|(member, _)| format!("`{}`", name(*member)));
    let message = format!(
        "a circle of dependencies: {}",
        round.collect::<Vec<_>>().join(" → ")
    );
    let help = "remove one of these `dependsOn` entries: none of them ever becomes ready";
    let mut places = cycle.iter().map(|(from, edge)| {
        let path = manifests.kustomizations[*from].object.path;
        (
            path.clone(),
            edge.span.clone(),
            format!("`{}` waits", name(*from)),
        )
    });
    let mut finding = Finding::new(manifests.kustomizations[cycle[0].0].object.path, message, help);
    if let Some((_, span, label)) = places.next() {
        finding = finding.at(span, label);
    }
    finding.also.extend(places);
    finding
}
