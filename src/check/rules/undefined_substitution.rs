//! Every `${VAR}` that Flux substitutes is defined.

use std::collections::BTreeSet;

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests};
use crate::check::placed::Placed;
use crate::check::rule::{Finding, Rule};
use crate::check::substitution::{Variable, variables};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "undefined-substitution",
    level: Severity::Error,
    summary: "Flux would replace a ${…} by nothing, or leave in place one that it should replace",
    docs: include_str!("undefined_substitution.md"),
    run,
};

/// Label or annotation that keeps Flux from substituting in an object.
const OPT_OUT: &str = "kustomize.toolkit.fluxcd.io/substitute";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let names: Vec<Option<BTreeSet<&str>>> = manifests
        .kustomizations
        .iter()
        .map(|kustomization| defined(manifests, kustomization))
        .collect();
    let everywhere: BTreeSet<&str> = names.iter().flatten().flatten().copied().collect();
    let mut seen = BTreeSet::new();
    for placed in manifests.placed() {
        let object = &placed.object;
        let Some(by) = placed
            .by
            .filter(|_| !object.path.is_sops() && !opted_out(object.node))
        else {
            continue;
        };
        let kustomization = &manifests.kustomizations[by];
        let substituted = kustomization.object.node.path(&["spec", "postBuild"]).is_some();
        let text = manifests.text(object.path);
        walk::scalars(object.node, &mut |scalar| {
            let raw = text.get(scalar.span.clone()).unwrap_or_default();
            for variable in variables(raw) {
                let problem = match &names[by] {
                    None if substituted => None,
                    Some(names) if substituted => undefined(&variable, names, kustomization),
                    _ => unsubstituted(&variable, &everywhere, kustomization, placed),
                };
                let span = scalar.part(variable.span.clone());
                if let Some((message, label, help)) = problem
                    && seen.insert((object.path, span.start))
                {
                    findings
                        .push(Finding::new(object.path, message, help(&raw[variable.span])).at(span, label));
                }
            }
        });
    }
}

type Problem = (String, &'static str, Box<dyn Fn(&str) -> String>);

fn undefined(variable: &Variable<'_>, names: &BTreeSet<&str>, by: &FluxKustomization<'_>) -> Option<Problem> {
    let escape = |text: &str| format!("write `${text}` to keep it as it is");
    if variable.name.is_empty() {
        let message = format!(
            "Flux cannot read this substitution, and `{}` fails",
            by.object.name
        );
        return Some((message, "not a variable", Box::new(escape)));
    }
    if variable.default || names.contains(variable.name) {
        return None;
    }
    let message = format!(
        "`{}` is defined nowhere that `{}` substitutes from",
        variable.name, by.object.name
    );
    let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let known = known.join(", ");
    let help = move |text: &str| {
        let keep = escape(text);
        if known.is_empty() {
            keep
        } else {
            format!("{keep}, or use one of {known}")
        }
    };
    Some((message, "becomes empty", Box::new(help)))
}

fn unsubstituted(
    variable: &Variable<'_>,
    everywhere: &BTreeSet<&str>,
    by: &FluxKustomization<'_>,
    placed: &Placed<'_>,
) -> Option<Problem> {
    // The root substitutes nothing in the Kustomizations that it applies, which may well name variables.
    if !everywhere.contains(variable.name) || placed.object.kind == "Kustomization" {
        return None;
    }
    let name = by.object.name.to_owned();
    let message = format!(
        "`{}` is never replaced: `{name}` has no `postBuild`",
        variable.name
    );
    let help = move |_: &str| {
        format!("add `postBuild: {{substituteFrom: [{{kind: Secret, name: cluster-secrets}}]}}` to `{name}`")
    };
    Some((message, "reaches the cluster as it is", Box::new(help)))
}

/// Returns the names that a Kustomization defines; nothing when a source is not in the tree.
fn defined<'a>(
    manifests: &Manifests<'a>,
    kustomization: &FluxKustomization<'a>,
) -> Option<BTreeSet<&'a str>> {
    let post_build = kustomization.object.node.path(&["spec", "postBuild"])?;
    let keys = |node: Option<&'a Node>| {
        let entries = node.map(Node::entries).unwrap_or_default();
        entries.iter().filter_map(|(key, _)| key.as_str())
    };
    let mut names: BTreeSet<&str> = keys(post_build.get("substitute")).collect();
    for source in post_build
        .get("substituteFrom")
        .map(Node::items)
        .unwrap_or_default()
    {
        let (kind, name) = (source.str_at(&["kind"])?, source.str_at(&["name"])?);
        let source = manifests.placed().iter().find(|placed| {
            placed.object.kind == kind
                && placed.object.name == name
                && placed.namespace == kustomization.namespace
        })?;
        for place in ["data", "stringData"] {
            names.extend(keys(source.object.node.get(place)));
        }
    }
    Some(names)
}

fn opted_out(object: &Node) -> bool {
    ["labels", "annotations"]
        .iter()
        .any(|place| object.str_at(&["metadata", place, OPT_OUT]) == Some("disabled"))
}
