//! `clusterwright graph`: the Kustomizations and what waits for what.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::{Format, Graph, GraphFormat};
use super::exit::Exit;
use super::{Outcome, Session};
use crate::pipeline;
use crate::plan::{KustomizationId, Plan};

/// Prints the graph. An arrow leads from what must be ready to what waits for it.
pub(super) fn run(args: &Graph, session: &mut Session<'_>) -> Outcome {
    let diags = &mut session.diags;
    let catalog = pipeline::catalog(&session.world, diags)?;
    let configuration = pipeline::configuration(&mut session.world, &catalog, diags)?;
    let plan = pipeline::plan(&catalog, &configuration, diags)?;
    if session.ui.format != Format::Json {
        let text = match args.format {
            GraphFormat::Mermaid => mermaid(&plan),
            GraphFormat::Dot => dot(&plan),
        };
        session.ui.print(&text);
    }
    let nodes: Vec<_> = plan.kustomizations.iter().map(|k| &k.id).collect();
    let edges: Vec<_> = edges(&plan)
        .map(|(from, to)| json!({"from": from, "to": to}))
        .collect();
    Ok((Exit::Success, Some(json!({"nodes": nodes, "edges": edges}))))
}

/// Pairs of what must be ready and what waits for it.
fn edges<'p>(plan: &'p Plan<'_>) -> impl Iterator<Item = (&'p KustomizationId, &'p KustomizationId)> {
    plan.kustomizations
        .iter()
        .flat_map(|k| k.depends_on.iter().map(move |before| (before, &k.id)))
}

fn by_namespace<'p>(plan: &'p Plan<'_>) -> BTreeMap<&'p str, Vec<&'p KustomizationId>> {
    let mut namespaces: BTreeMap<&str, Vec<&KustomizationId>> = BTreeMap::new();
    for kustomization in &plan.kustomizations {
        let id = &kustomization.id;
        namespaces.entry(&id.namespace).or_default().push(id);
    }
    namespaces
}

fn mermaid(plan: &Plan<'_>) -> String {
    // Mermaid takes some words, such as `end` and `default`, for its own.
    let name = |id: &KustomizationId| format!("{}.{}", id.namespace, id.name);
    let mut out = "flowchart LR\n".to_owned();
    for (namespace, ids) in by_namespace(plan) {
        out.push_str(&format!("  subgraph ns.{namespace} [{namespace}]\n"));
        for id in ids {
            out.push_str(&format!("    {}[{}]\n", name(id), id.name));
        }
        out.push_str("  end\n");
    }
    for (before, after) in edges(plan) {
        out.push_str(&format!("  {} --> {}\n", name(before), name(after)));
    }
    out
}

fn dot(plan: &Plan<'_>) -> String {
    let name = |id: &KustomizationId| format!("\"{}/{}\"", id.namespace, id.name);
    let mut out = "digraph flux {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (namespace, ids) in by_namespace(plan) {
        out.push_str(&format!(
            "  subgraph \"cluster_{namespace}\" {{\n    label=\"{namespace}\";\n"
        ));
        for id in ids {
            out.push_str(&format!("    {} [label=\"{}\"];\n", name(id), id.name));
        }
        out.push_str("  }\n");
    }
    for (before, after) in edges(plan) {
        out.push_str(&format!("  {} -> {};\n", name(before), name(after)));
    }
    out.push_str("}\n");
    out
}
